"""Test sets of the user's own: read, checked line by line, and kept in the cache under a name that is then a task.

BFCL's form, answers in a file of their own or in the same line; a question without an answer wants no call:

    {"id": "t_0", "question": [[{"role": "user", "content": "Book a table."}]], "function": [{"name": "book", ...}]}
    {"id": "t_0", "ground_truth": [{"book": {"people": [4], "smoking": ["", false]}}]}

The short form, with one accepted value for each argument; tools in OpenAI's format will do, too:

    {"question": "Book a table for 4.", "tools": [{"name": "book", ...}],
     "calls": [{"name": "book", "arguments": {"people": 4}}]}      <- on one line

`"language": "java"` or `"javascript"` reads and judges values as BFCL's categories of that language do; `"wants_call"`
says of a question without an answer that any call is right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import files, plugins
from harness.errors import DataError, UsageProblem
from harness.machine import cache_root

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LANGUAGES = ("python", "java", "javascript")
TYPES = {"object": "dict", "number": "float"}
"""Types of JSON Schema -> BFCL's."""
REMEDY = "See `harness data add --help`."


def folder() -> Path:
    """Where the sets are kept."""
    return cache_root() / "own"


def names() -> list[str]:
    """All sets, sorted."""
    return sorted(path.stem for path in folder().glob("*.jsonl"))


def name_of(file: Path) -> str:
    """The name of a set that is given as a file: the file's own, with `_` for what no name can hold."""
    name = re.sub(r"\W", "_", file.stem, flags=re.ASCII)
    return name if NAME.fullmatch(name) else f"own_{name}"


def add(name: str, sources: Sequence[Path]) -> str:
    """Check a set and keep it; one of the same name is replaced.

    Args:
        name: Its name, which becomes a task.
        sources: Questions, then answers where these are in a file of their own.

    Returns:
        The name.

    Raises:
        UsageProblem: The name cannot be.
        DataError: A line cannot be used; the message names file and line.
    """
    if not NAME.fullmatch(name):
        raise UsageProblem(f"{name!r} cannot name a test set", "Use letters, digits and _, a letter first.")
    if len(sources) > 2:
        raise UsageProblem(f"{len(sources)} files for one test set", "Give questions, then answers.")
    bfcl = plugins.load("benchmarks", "bfcl").tasks()
    if name in bfcl or name in plugins.names("benchmarks"):
        raise UsageProblem(f"{name} is the name of a task already", "Give the set another name.")
    items = read(sources[0], sources[1] if len(sources) > 1 else None)
    folder().mkdir(parents=True, exist_ok=True)
    files.write_atomic(folder() / f"{name}.jsonl", b"".join(json.dumps(item).encode() + b"\n" for item in items))
    return name


def load(name: str) -> list[dict[str, Any]]:
    """The items of a set that was added."""
    file = folder() / f"{name}.jsonl"
    return [record for record, _ in _lines(file)]


def read(questions: Path, answers: Path | None = None) -> list[dict[str, Any]]:
    """Read and check a set.

    Args:
        questions: JSON Lines in one of the two forms.
        answers: JSON Lines of `id` and `ground_truth`; None where the questions hold them.

    Returns:
        Items with `id`, `question`, `function`, `ground_truth`, `language` and `wants_call`.

    Raises:
        DataError: A line cannot be used; the message names file and line.
    """
    expected = {} if answers is None else _answers(answers)
    items: dict[str, dict[str, Any]] = {}
    for record, where in _lines(questions):
        item = _item(record, where, f"{name_of(questions)}_{len(items)}")
        if item["id"] in items:
            raise DataError(f"{where}: the id {item['id']!r} is there before", "Give each question an id of its own.")
        if item["id"] in expected:
            item["ground_truth"], where = expected.pop(item["id"])
        _check_answer(item, where)
        items[item["id"]] = item
    if not items:
        raise DataError(f"{questions} holds no question", REMEDY)
    for name, (_, where) in expected.items():
        raise DataError(f"{where}: an answer for {name!r}, which is not a question of {questions}", REMEDY)
    return list(items.values())


def _lines(file: Path) -> Iterator[tuple[dict[str, Any], str]]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {file}: {error}", REMEDY) from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = f"{file}:{number}"
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{where} is not JSON: {error}", "Write one JSON object a line.") from None
            _require(isinstance(record, dict), where, "not an object")
            yield record, where


def _answers(file: Path) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for record, where in _lines(file):
        _require(isinstance(record.get("id"), str) and "ground_truth" in record, where, "no `id` and `ground_truth`")
        _require(record["id"] not in found, where, f"a second answer for {record['id']!r}")
        found[record["id"]] = record["ground_truth"], where
    return found


def _require(good: bool, where: str, problem: str) -> None:
    if not good:
        raise DataError(f"{where}: {problem}", REMEDY)


def item(record: Mapping[str, Any], where: str, name: str) -> dict[str, Any]:
    """An item that the checker can take on trust.

    Args:
        record: A question with its answer, in one of the two forms.
        where: File and line, for errors.
        name: Its id where it has none.

    Returns:
        The item in BFCL's form.

    Raises:
        DataError: It cannot be asked or judged.
    """
    made = _item(record, where, name)
    _check_answer(made, where)
    return made


def _item(record: Mapping[str, Any], where: str, name: str) -> dict[str, Any]:
    turns, tools = record.get("question"), record.get("function", record.get("tools"))
    if isinstance(turns, str):
        turns = [[{"role": "user", "content": turns}]]
    one = isinstance(turns, list) and len(turns) == 1 and _is_turn(turns[0])
    _require(one, where, "`question` is neither a text nor one turn of messages with `role` and `content`")
    _require(isinstance(tools, list) and bool(tools), where, "no `function` (or `tools`)")
    language = record.get("language", "python")
    _require(language in LANGUAGES, where, f"`language` is {language!r}, not one of {', '.join(LANGUAGES)}")
    expected = record.get("ground_truth", [])
    if "calls" in record:
        expected = _accepted(record["calls"], where)
    return {
        "id": str(record.get("id", name)),
        "question": turns,
        "function": [_tool(tool, where) for tool in tools or ()],
        "ground_truth": expected,
        "language": language,
        "wants_call": bool(record.get("wants_call", False)),
    }


def _is_turn(turn: Any) -> bool:
    return isinstance(turn, list) and bool(turn) and all(_is_message(message) for message in turn)


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and all(isinstance(message.get(key), str) for key in ("role", "content"))


def _accepted(calls: Any, where: str) -> list[dict[str, Any]]:
    good = isinstance(calls, list) and all(
        isinstance(call, dict) and isinstance(call.get("name"), str) and isinstance(call.get("arguments", {}), dict)
        for call in calls
    )
    _require(good, where, "`calls` is not a list of `name` and `arguments`")
    return [
        {call["name"]: {key: [_value(value)] for key, value in call.get("arguments", {}).items()}} for call in calls
    ]


def _value(value: Any) -> Any:
    """An accepted value in BFCL's form, where an object lists the accepted values of each key."""
    if isinstance(value, dict):
        return {key: [_value(inner)] for key, inner in value.items()}
    return [_value(inner) for inner in value] if isinstance(value, list) else value


def _tool(tool: Any, where: str) -> dict[str, Any]:
    """A function document in BFCL's form."""
    if isinstance(tool, dict) and isinstance(tool.get("function"), dict):
        tool = tool["function"]
    _require(isinstance(tool, dict) and isinstance(tool.get("name"), str), where, "a function has no `name`")
    schema = _schema(tool.get("parameters") or {})
    properties = schema.get("properties", {})
    good = isinstance(properties, dict) and all(
        isinstance(each, dict) and isinstance(each.get("type"), str) for each in properties.values()
    )
    _require(good, where, f"a parameter of {tool['name']} has no `type`")
    required = schema.get("required", [])
    known = isinstance(required, list) and all(name in properties for name in required)
    _require(known, where, f"{tool['name']} requires a parameter that it does not describe")
    for each in properties.values():
        each.setdefault("description", "")
    schema |= {"type": "dict", "properties": properties, "required": required}
    return {"name": tool["name"], "description": str(tool.get("description", "")), "parameters": schema}


def _schema(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: value if key in ("default", "enum") else _schema(value) for key, value in schema.items()}
    kind = found.get("type")
    return found | {"type": TYPES.get(kind, kind)} if isinstance(kind, str) else found


def _check_answer(item: Mapping[str, Any], where: str) -> None:
    """See that the answer can be judged by: the checker takes it on trust."""
    expected = item["ground_truth"]
    _require(isinstance(expected, list), where, "the answer is not a list of calls")
    known = {tool["name"]: tool["parameters"] for tool in item["function"]}
    for call in expected:
        shape = isinstance(call, dict) and len(call) == 1 and isinstance(next(iter(call.values())), dict)
        _require(shape, where, "an expected call is not `{name: {parameter: [accepted values]}}`")
        ((name, arguments),) = call.items()
        _require(name in known, where, f"the answer calls {name!r}, which is not offered")
        for key, values in arguments.items():
            _require(key in known[name]["properties"], where, f"{name} has no parameter {key!r}")
            _require(isinstance(values, list) and bool(values), where, f"{key} of {name} lists no accepted value")
        missing = [key for key in known[name]["required"] if key not in arguments]
        _require(not missing, where, f"the answer lacks {', '.join(missing)}, which {name} requires")
