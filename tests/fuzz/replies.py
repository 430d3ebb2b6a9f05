"""Seeded replies to every BFCL single-turn item: right answers, answers with odd values, broken text, hostile text."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from harness.benchmarks.bfcl import data

AST = tuple(category for category in data.SINGLE_TURN if category not in data.UNANSWERED)

POOLS = json.loads((Path(__file__).parent / "sources.json").read_text(encoding="utf-8"))
"""Odd values as source text of each language, and frames around a whole reply."""

LANGUAGES = {"simple_java": "java", "simple_javascript": "javascript"}
"""Category -> language, where it is not Python."""

HOSTILE = (
    "[" * 5000,
    "[f(a=" + "(" * 250 + ")" * 250 + ")]",
    "[f(a=" + "-" * 9000 + "1)]",
    "[f(a=1" + "+1" * 3000 + ")]",
    "[f(a=1" + "**9" * 9 + ")]",
    "[f(a=" + "1," * 90_000 + "1)]",
    "[f(a='" + "x" * 300_000 + "')]",
    "[f(a=" + "9" * 400 + ")]",
    "[f(a=" + "9" * 5000 + ")]",
    "[f\x00(a=1)]",
    "[f(a='\ud800')]",
    "[f(a=9**9**9)]",
    "[exit()]",
    "[f(a=exit())]",
    "[f(a=__import__('os').system('id')+1)]",
    "",
    "[]",
    "[[]]",
    "[{}]",
    "null",
    "[f" + ".a" * 4000 + "(a=1)]",
    "[f" + "()" * 4000 + "]",
    "[f(a=" + "{'a':" * 150 + "1" + "}" * 150 + ")]",
    "[f(a=" + "lambda:" * 3000 + "1)]",
    "[f(a=" + "not " * 7000 + "1)]",
    "[f(a=" + "{" * 5000 + ")]",
    "[f(a=1, a=2)]",
    "[f(**{'a': 1})]",
    "[f(*a)]",
    "[f(a=b'\\xff')]",
    "\ufeff[f(a=1)]",
    'f(a="' + "\\" * 999 + '")',
    "[f(a=1)" + "\n" * 9000 + "]",
    "[f(a=" + " " * 9000 + "1)]",
    "#" * 5000,
    "[f(a=1) # c]",
    "[f(a=1)\r\n]",
    "[f(a='''x''')]",
    "Error during inference: 500",
    '<tool_call>{"name": "f"}</tool_call>',
    "[f(a=new HashMap<" + ">" * 3000 + ")]",
    "[f(a=[[" + "1],[" * 500 + ")]",
    "[f(a=" + "f(a=" * 90 + "1" + ")" * 90 + ")]",
    "[f(a={" + "a:" * 900 + "})]",
    "[f(a=new HashMap<>() {{" + " " * 2500 + ")]",
    "\u2028[f(a=1)]",
)


INSERTED = (*"()[]{}=,.;:'\"`\\-+*/ \n\t\r~!@#$%&|<>?_0aZé日\x00", "//", "/*", "->", "**", "not ", "new ")


class Case(NamedTuple):
    """One reply to judge."""

    id: str
    raw: Any
    mode: str
    underscore_names: bool


@cache
def items(categories: tuple[str, ...] = data.SINGLE_TURN) -> list[tuple[str, str]]:
    """Category and id of every item."""
    return [(category, record["id"]) for category in categories for record in data.questions(category)]


def cases(seed: int, n: int, categories: tuple[str, ...] = data.SINGLE_TURN, hostile: float = 0.02) -> Iterator[Case]:
    """Draw replies; the same seed gives the same ones."""
    rng = random.Random(seed)
    by_category: dict[str, list[str]] = {}
    for category, sample_id in items(categories):
        by_category.setdefault(category, []).append(sample_id)
    for _ in range(n):
        category = rng.choice(categories)
        sample_id = rng.choice(by_category[category])
        underscore = rng.random() < 0.3
        if rng.random() < hostile:
            yield Case(sample_id, rng.choice(HOSTILE), rng.choice(("prompt", "prompt", "fc")), underscore)
        elif rng.random() < 0.35:
            yield Case(sample_id, _native(rng, category, sample_id), "fc", underscore)
        else:
            yield Case(sample_id, _text(rng, category, sample_id), "prompt", underscore)


def _calls(rng: random.Random, category: str, sample_id: str) -> list[tuple[str, dict[str, Any]]]:
    """The expected calls, each with one acceptable value a parameter."""
    expected = data.answer(sample_id)
    if not expected:
        docs = data.question(sample_id)["function"] or [{"name": "f", "parameters": {"properties": {"a": {}}}}]
        doc = rng.choice(docs)
        return [(doc["name"], {name: rng.choice(["x", 1, True, [1]]) for name in doc["parameters"]["properties"]})]
    calls = []
    for call in expected:
        name, accepted = next(iter(call.items()))
        arguments = {key: _flat(rng, rng.choice(values)) for key, values in accepted.items() if values}
        calls.append((name, {key: value for key, value in arguments.items() if value != "" or rng.random() < 0.2}))
    if rng.random() < 0.1:
        rng.shuffle(calls)
    if rng.random() < 0.03:
        calls.append(rng.choice(calls))
    return calls


def _flat(rng: random.Random, value: Any) -> Any:
    """A concrete value: in maps each key lists its acceptable values."""
    if isinstance(value, dict):
        return {
            key: _flat(rng, rng.choice(inner) if isinstance(inner, list) and inner else inner)
            for key, inner in value.items()
        }
    return [_flat(rng, inner) for inner in value] if isinstance(value, list) else value


def _native(rng: random.Random, category: str, sample_id: str) -> Any:
    if rng.random() < 0.05:
        odd = (
            None,
            "",
            "text",
            [],
            {},
            [{}],
            [[]],
            [None],
            [{"f": "{"}],
            [{"f": "[]"}],
            [{"f": "5"}],
            [{"f": "null"}],
            5,
            [{"f": '{"a": NaN}'}],
        )
        return rng.choice(odd)
    native = []
    for name, arguments in _calls(rng, category, sample_id):
        if category in LANGUAGES and rng.random() < 0.8:
            arguments = {key: source(value, category) for key, value in arguments.items()}
        for key in list(arguments):
            if rng.random() < 0.12:
                arguments[key] = _odd_value(rng, arguments[key])
            elif category in LANGUAGES and rng.random() < 0.2:
                arguments[key] = rng.choice(POOLS[LANGUAGES[category]])
        if rng.random() < 0.05:
            arguments[rng.choice(["x", "", "self"])] = 1
        if rng.random() < 0.4:
            name = name.replace(".", "_")
        native.append({name: json.dumps(arguments)})
    return native


def _odd_value(rng: random.Random, value: Any) -> Any:
    odd: list[Any] = [
        "",
        "-",
        "...",
        [],
        {},
        None,
        True,
        False,
        0,
        1,
        -1,
        1.0,
        "1",
        [1],
        [""],
        [1.5, 2],
        ["a"],
        {"a": 1},
        [{}],
        [{"a": 1}],
        10**400,
        "é",
        float("inf"),
    ]
    odd += [[value], {"a": value}, str(value), [value, value]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        odd += [value + 1, float(value), -value, str(value)] if abs(value) < 1e300 else []
    if isinstance(value, str):
        odd += [
            value.upper(),
            f" {value}.",
            value.replace(" ", "-"),
            value.replace("'", '"'),
            value[1:],
            value + "\t",
            value + "!",
        ]
    if isinstance(value, list):
        odd += [
            value[::-1],
            value[:-1],
            [str(v) for v in value],
            [float(v) if type(v) is int else v for v in value],
            [v.upper() if type(v) is str else v for v in value],
        ]
    if isinstance(value, dict):
        odd += [
            {**value, "x": 1},
            dict(list(value.items())[1:]),
            {k: str(v) for k, v in value.items()},
            {k: [v] for k, v in value.items()},
        ]
    return rng.choice(odd)


def _text(rng: random.Random, category: str, sample_id: str) -> str:
    sources = POOLS[LANGUAGES.get(category, "python")]
    parts = []
    for name, arguments in _calls(rng, category, sample_id):
        written = {}
        for key, value in arguments.items():
            if rng.random() < 0.1:
                value = _odd_value(rng, value)
            written[key] = source(value, category)
            if rng.random() < 0.1:
                written[key] = rng.choice(sources)
        if rng.random() < 0.05:
            written[rng.choice(["x", "class", "_y", "a.b", *written])] = rng.choice(sources)
        listed = [f"{key}={value}" if rng.random() > 0.01 else value for key, value in written.items()]
        if rng.random() < 0.03:
            listed.insert(rng.randrange(len(listed) + 1), rng.choice(sources))
        if rng.random() < 0.05:
            rng.shuffle(listed)
        name = (
            name
            if rng.random() < 0.9
            else rng.choice([name.replace(".", "_"), name + "x", name.split(".")[-1], name.upper()])
        )
        parts.append(f"{name}({', '.join(listed)})")
    text = ", ".join(parts)
    text = rng.choice(POOLS["frames"]).replace("{}", text) if rng.random() < 0.3 else f"[{text}]"
    while rng.random() < 0.2:
        text = _mutate(rng, text)
    return text


def _mutate(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    to = min(len(text), at + rng.choice([1, 1, 1, 2, 5, 20]))
    match rng.randrange(5):
        case 0:
            return text[:at] + text[to:]
        case 1:
            return text[:at] + rng.choice(INSERTED) + text[at:]
        case 2:
            return text[:to] + text[at:to] + text[to:]
        case 3:
            return text[:at]
    return text[at:] + text[:at]


def source(value: Any, category: str) -> str:
    """A value as source text of the category's language."""
    if category not in LANGUAGES:
        return repr(value)
    if isinstance(value, list):
        inner = ", ".join(source(element, category) for element in value)
        return f"[{inner}]" if category == "simple_javascript" else f"new String[]{{{inner}}}"
    if isinstance(value, dict) and category == "simple_javascript":
        return "{" + ", ".join(f"{json.dumps(key)}: {source(inner, category)}" for key, inner in value.items()) + "}"
    if isinstance(value, dict):
        puts = " ".join(f"put({json.dumps(key)}, {source(inner, category)});" for key, inner in value.items())
        return f"new HashMap<String, Object>() {{{{ {puts} }}}}"
    return json.dumps(value, ensure_ascii=False)
