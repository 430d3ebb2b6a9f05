"""One line of a test set: checked, and brought to the form in which items are kept.

Every error names file and line; the checker takes what is kept on trust.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.benchmarks.bfcl.checking import LANGUAGES
from harness.errors import DataError

TYPES = {"object": "dict", "number": "float"}
"""Types of JSON Schema -> BFCL's."""
REMEDY = "See `harness data add --help`."


def require(good: bool, where: str, problem: str) -> None:
    """Refuse a line that is not good.

    Args:
        good: Whether it is.
        where: File and line.
        problem: What is wrong.

    Raises:
        DataError: It is not.
    """
    if not good:
        raise DataError(f"{where}: {problem}", REMEDY)


def item_of(record: Mapping[str, Any], where: str, name: str) -> dict[str, Any]:
    """An item of one turn; its answer is still to be checked.

    Args:
        record: The line, in one of the two forms.
        where: File and line.
        name: Its id where it gives none.

    Returns:
        `id`, `question`, `function`, `ground_truth`, `language` and `wants_call`.

    Raises:
        DataError: It cannot be used.
    """
    turns, tools = record.get("question"), record.get("function", record.get("tools"))
    if isinstance(turns, str):
        turns = [[{"role": "user", "content": turns}]]
    one = isinstance(turns, list) and len(turns) == 1 and is_turn(turns[0])
    require(one, where, "`question` is neither a text nor one turn of messages with `role` and `content`")
    require(isinstance(tools, list) and bool(tools), where, "no `function` (or `tools`)")
    language = record.get("language", "python")
    require(language in LANGUAGES, where, f"`language` is {language!r}, not one of {', '.join(LANGUAGES)}")
    expected = record.get("ground_truth", [])
    if "calls" in record:
        expected = _accepted(record["calls"], where)
    offered = [tool_of(tool, where) for tool in tools or ()]
    for tool in offered:
        _check_types(tool, language, where)
    return {
        "id": str(record.get("id", name)),
        "question": turns,
        "function": offered,
        "ground_truth": expected,
        "language": language,
        "wants_call": bool(record.get("wants_call", False)),
    }


def is_turn(turn: Any) -> bool:
    """Whether it is a list of messages."""
    return isinstance(turn, list) and bool(turn) and all(_is_message(message) for message in turn)


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and all(isinstance(message.get(key), str) for key in ("role", "content"))


def _accepted(calls: Any, where: str) -> list[dict[str, Any]]:
    good = isinstance(calls, list) and all(
        isinstance(call, dict) and isinstance(call.get("name"), str) and isinstance(call.get("arguments", {}), dict)
        for call in calls
    )
    require(good, where, "`calls` is not a list of `name` and `arguments`")
    return [
        {call["name"]: {key: [_value(value)] for key, value in call.get("arguments", {}).items()}} for call in calls
    ]


def _value(value: Any) -> Any:
    """An accepted value in BFCL's form, where an object lists the accepted values of each key."""
    if isinstance(value, dict):
        return {key: [_value(inner)] for key, inner in value.items()}
    return [_value(inner) for inner in value] if isinstance(value, list) else value


def tool_of(tool: Any, where: str) -> dict[str, Any]:
    """A function document in BFCL's form.

    Args:
        tool: One in BFCL's or OpenAI's form.
        where: File and line.

    Returns:
        The document.

    Raises:
        DataError: It cannot be used.
    """
    if isinstance(tool, dict) and isinstance(tool.get("function"), dict):
        tool = tool["function"]
    require(isinstance(tool, dict) and isinstance(tool.get("name"), str), where, "a function has no `name`")
    schema = _schema(tool.get("parameters") or {})
    properties = schema.get("properties", {})
    good = isinstance(properties, dict) and all(
        isinstance(each, dict) and isinstance(each.get("type"), str) for each in properties.values()
    )
    require(good, where, f"a parameter of {tool['name']} has no `type`")
    required = schema.get("required", [])
    known = isinstance(required, list) and all(name in properties for name in required)
    require(known, where, f"{tool['name']} requires a parameter that it does not describe")
    for each in properties.values():
        each.setdefault("description", "")
    schema |= {"type": "dict", "properties": properties, "required": required}
    found = {"name": tool["name"], "description": str(tool.get("description", "")), "parameters": schema}
    return found | ({"response": tool["response"]} if "response" in tool else {})


def _schema(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: value if key in ("default", "enum") else _schema(value) for key, value in schema.items()}
    kind = found.get("type")
    return found | {"type": TYPES.get(kind, kind)} if isinstance(kind, str) else found


def _check_types(tool: Mapping[str, Any], language: str, where: str) -> None:
    """See that values of each parameter can be told right from wrong: the checker knows the types of BFCL's data."""
    known, collections = LANGUAGES[language].classes, LANGUAGES[language].collections
    alone = language == "java" and "." not in tool["name"] and len(tool["parameters"]["properties"]) < 2
    require(not alone, where, f"BFCL's reader takes {tool['name']}(x=1) for no Java; name it Class.{tool['name']}")
    for name, schema in tool["parameters"]["properties"].items():
        parameter, kind, items = f"{name} of {tool['name']}", schema["type"], schema.get("items")
        remedy = f"in {language} a type is one of {', '.join(known)}"
        require(kind in known, where, f"{parameter} has the type {kind!r}; {remedy}")
        if kind in collections:
            inner = items.get("type") if isinstance(items, dict) else None
            require(
                inner is not None, where, f"{parameter} is a list and does not say of what: no `items` with a `type`"
            )
            require(inner in known, where, f"{parameter} is a list of {inner!r}; {remedy}")


def check_answer(item: Mapping[str, Any], where: str) -> None:
    """See that an item can be judged by its answer.

    Args:
        item: An item of one turn.
        where: File and line of the answer.

    Raises:
        DataError: It cannot.
    """
    expected = item["ground_truth"]
    require(isinstance(expected, list), where, "the answer is not a list of calls")
    known = {tool["name"]: tool["parameters"] for tool in item["function"]}
    for call in expected:
        shape = isinstance(call, dict) and len(call) == 1 and isinstance(next(iter(call.values())), dict)
        require(shape, where, "an expected call is not `{name: {parameter: [accepted values]}}`")
        ((name, arguments),) = call.items()
        require(name in known, where, f"the answer calls {name!r}, which is not offered")
        for key, values in arguments.items():
            require(key in known[name]["properties"], where, f"{name} has no parameter {key!r}")
            require(isinstance(values, list) and bool(values), where, f"{key} of {name} lists no accepted value")
        missing = [key for key in known[name]["required"] if key not in arguments]
        require(not missing, where, f"the answer lacks {', '.join(missing)}, which {name} requires")
