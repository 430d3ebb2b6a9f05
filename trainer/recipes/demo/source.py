"""The experiment's data: synthetic records with long thinking, a known share of them made wrong in known ways.

| kind | what is wrong | who should notice |
| --- | --- | --- |
| `query` | the tools are another record's: no call can solve the query | stage 2 |
| `cot` | the reasoning concludes another call than the answer | stage 3 |
| `arguments` | a wrong function, a missing parameter or a wrong value, in reasoning and answer alike | stage 4 |
| `format` | the right call in a notation that does not decode | stage 5 |
| `statement` | nothing: no tool fits and the answer says so | stage 1 keeps it as it is |
| `clean` | nothing | nobody |

The truth is written beside the records; nothing in a record tells its kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from harness.types import Example
from trainer.recipes.tiny.synth import Item, Split, item

SHARES: Mapping[str, float] = {"query": 0.10, "cot": 0.10, "arguments": 0.12, "format": 0.08, "statement": 0.05}
"""Share of the records of each kind; the rest is clean."""
WRONG = ("query", "cot", "arguments", "format")
CONCLUSION = "call"
"""Line of the reasoning after which the call stands."""
STATEMENT = "None of these functions can answer that."

Calls = tuple[tuple[str, dict[str, str]], ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a record and not written in it."""

    id: str
    kind: str
    query: str
    answer: str | None
    """The right answer; None where no call can solve the query."""


def think(made: Item, calls: Calls | None = None) -> str:
    """Reasoning that names the function, finds the values, concludes with the call and checks it.

    Args:
        made: The item.
        calls: What to conclude; the item's own calls by default.

    Returns:
        Lines of text, about three times as long as the answer.
    """
    lines = []
    for name, arguments in made.calls if calls is None else calls:
        found = [key + "-" if text == "-" else f"{key}={text}" for key, text in arguments.items()]
        lines += [name, *found, CONCLUSION, call(name, arguments), "check", name, *found]
    return "\n".join(lines)


def unfit(tools: Sequence[Mapping[str, Any]]) -> str:
    """Reasoning that finds no function that fits, about as long as that which finds one."""
    offered = [f"{name}-" for tool in tools for name in (tool["name"], *tool["parameters"]["properties"])]
    return "\n".join(["none", *offered, "check", "none", *offered])


def call(name: str, arguments: Mapping[str, str]) -> str:
    """One call as it stands in an answer."""
    return f"{name}({', '.join(f'{key}={text}' for key, text in arguments.items() if text != '-')})"


def answer(calls: Calls) -> str:
    """The call list."""
    return f"[{', '.join(call(*each) for each in calls)}]"


def words(text: str) -> list[str]:
    """Words and numbers of a text without its notation: equal for a call and for the same call in a broken format."""
    return re.findall(r"[\w.]+", text)


def items(count: int, seed: str, level: int, split: Split = "train") -> list[Item]:
    """Items whose questions differ from one another.

    Args:
        count: How many.
        seed: Equal seeds give equal items.
        level: Difficulty, 1 to 3 (one call each).
        split: Which names may occur.

    Returns:
        The items.
    """
    rng, found = Random(seed), dict[str, Item]()
    while len(found) < count:
        made = item(rng, level, split)
        found.setdefault(made.query, made)
    return list(found.values())


def clean(made: Item, name: str) -> Example:
    """A right record."""
    return Example(name, ({"role": "user", "content": made.query},), made.docs, think(made), answer(made.calls))


def records(count: int, seed: int, level: int) -> Iterator[tuple[Example, Truth]]:
    """A source set, and what is true of it.

    Args:
        count: How many records.
        seed: Equal seeds give equal sets.
        level: Difficulty of the items.

    Yields:
        Record and truth, the kinds in random order.
    """
    rng = Random(f"source/{seed}")
    kinds = [kind for kind, share in SHARES.items() for _ in range(round(share * count))]
    kinds += ["clean"] * (count - len(kinds))
    rng.shuffle(kinds)
    made = items(count + 1, f"source/{seed}/{level}", level)
    for index, kind in enumerate(kinds):
        yield record(rng, made[index], made[(index + 1) % len(made)], kind, f"record-{seed}-{index}")


def record(rng: Random, made: Item, other: Item, kind: str, name: str) -> tuple[Example, Truth]:
    """One record of a kind.

    Args:
        rng: Source of the choices.
        made: The item it is about.
        other: Another item, whose names and values serve as wrong ones.
        kind: One of `SHARES`, or `clean`.
        name: Its id.

    Returns:
        Record and truth.
    """
    tools, reason, text, right = made.docs, think(made), answer(made.calls), answer(made.calls)
    if kind == "query":
        return _example(name, made, other.docs, reason, text), Truth(name, kind, made.query, None)
    if kind == "statement":
        reason = unfit(other.docs)
        return _example(name, made, other.docs, reason, STATEMENT), Truth(name, kind, made.query, STATEMENT)
    if kind in ("cot", "arguments"):
        wrong = spoilt(rng, made.calls, other.calls)
        reason = think(made, wrong)
        text = answer(wrong) if kind == "arguments" else text
    elif kind == "format":
        text = broken(rng, text)
    return _example(name, made, tools, reason, text), Truth(name, kind, made.query, right)


def spoilt(rng: Random, calls: Calls, other: Calls) -> Calls:
    """Calls with another function's name, a parameter left out, or another value.

    Args:
        rng: Source of the choice.
        calls: The right calls.
        other: Calls of another item.

    Returns:
        Calls that differ from the right ones in one place.
    """
    (name, arguments), *rest = calls
    ((stranger, values),) = other[:1]
    given = [key for key, text in arguments.items() if text != "-"]
    ways = ["function"] if not given else ["function", "missing", "value", "value"]
    way = rng.choice(ways)
    if way == "function":
        return ((stranger, dict(arguments)), *rest)
    key = rng.choice(given)
    foreign = [text for text in values.values() if text not in ("-", arguments[key])]
    wrong = rng.choice(foreign) if way == "value" and foreign else "-"
    return ((name, {**arguments, key: wrong}), *rest)


def broken(rng: Random, text: str) -> str:
    """An answer in a notation that does not decode, with all its words."""
    return rng.choice(
        (
            text[:-2],
            text.replace("(", " {", 1)[:-2] + "}]",
            text[1:-2].replace("(", " ", 1),
            text[:-2] + "]",
        )
    )


def _example(name: str, made: Item, tools: tuple[dict[str, object], ...], reason: str, text: str) -> Example:
    return Example(name, ({"role": "user", "content": made.query},), tools, reason, text)
