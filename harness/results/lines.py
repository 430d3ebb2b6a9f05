"""One line of `samples.jsonl`: the record, and its JSON.

Model output is hostile: lone surrogates, 400-digit integers and anything else that JSON can carry survive the way to
the disk and back; what it cannot carry is replaced by a note.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from harness.types import Asked, Generation, Key, NativeCall, Verdict

OUTCOMES = ("pass", "fail", "unscored")


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """A `Step` without its reply, which the handler can parse again."""

    turn: int
    generation: Generation
    asked: Asked = "model"
    """Who answered; written only where it was the simulated user."""


@dataclass(frozen=True, slots=True)
class SampleLine:
    """One line of `samples.jsonl`: an episode and what was judged of it."""

    id: str
    repeat: int
    category: str
    steps: tuple[RecordedStep, ...]
    fault: str | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """By category; empty for helpers that are not scored and for runs without judging."""
    seconds: float = 0.0
    """Wall-clock seconds from the first request to the last completion."""

    @property
    def key(self) -> Key:
        """What is unique in a run."""
        return self.id, self.repeat


def encode(line: SampleLine, generations: Sequence[str] = ()) -> bytes:
    """One line of JSON in ASCII. Evidence that JSON cannot hold is replaced by a note: it never costs the line.

    Args:
        line: The line.
        generations: Those of its steps as `encode_generation` gave them, where that was done already.

    Returns:
        The line.
    """
    if len(generations) != len(line.steps):
        generations = [encode_generation(step.generation) for step in line.steps]
    steps = ", ".join(_step_text(step, text) for step, text in zip(line.steps, generations, strict=True))
    head = f'"id": {json.dumps(line.id)}, "repeat": {line.repeat}, "category": {json.dumps(line.category)}'
    return f'{{{head}, "steps": [{steps}], {_judgement(line)[1:]}\n'.encode("ascii")


def encode_generation(generation: Generation) -> str:
    """A generation as JSON in ASCII."""
    calls = generation.tool_calls
    plain = _shallow(generation)
    plain["tool_calls"] = None if calls is None else [_shallow(call) for call in calls]
    plain["seconds"] = round(generation.seconds, 4)
    for name in ("cached_tokens", "logprobs"):
        if plain[name] is None:
            del plain[name]
    return json.dumps(plain)


def _step_text(step: RecordedStep, generation: str) -> str:
    asked = "" if step.asked == "model" else f'"asked": "{step.asked}", '
    return f'{{"turn": {step.turn}, {asked}"generation": {generation}}}'


def _judgement(line: SampleLine) -> str:
    plain = {
        "fault": line.fault,
        "verdicts": {name: _shallow(verdict) for name, verdict in line.verdicts.items()},
        "seconds": round(line.seconds, 4),
    }
    try:
        return json.dumps(plain)
    except (TypeError, ValueError, RecursionError) as error:
        note = {"dropped": f"{type(error).__name__}: {error}"}
        noted = {name: _shallow(verdict) | {"evidence": note} for name, verdict in line.verdicts.items()}
        return json.dumps(plain | {"verdicts": noted})


def _shallow(record: Any) -> dict[str, Any]:
    """Like `dataclasses.asdict`, without its deep copies."""
    return {name: getattr(record, name) for name in record.__slots__}


def decode(raw: bytes) -> SampleLine:
    """Read one line.

    Args:
        raw: The line's bytes.

    Returns:
        The line.

    Raises:
        ValueError: It is damaged; the message says how.
    """
    try:
        data = json.loads(raw.decode("utf-8"))
        steps = tuple(_step(step) for step in data["steps"])
        verdicts = {name: build(Verdict, verdict) for name, verdict in data["verdicts"].items()}
        line = SampleLine(
            data["id"], data["repeat"], data["category"], steps, data["fault"], verdicts, float(data["seconds"])
        )
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"cut off or not JSON ({error.msg} at column {error.colno})") from None
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"not a sample line ({type(error).__name__}: {error})") from None
    good = isinstance(line.id, str) and isinstance(line.category, str) and isinstance(line.fault, str | None)
    good = good and all(step.asked in get_args(Asked) for step in steps)
    good = good and all(type(number) is int for number in (line.repeat, *(step.turn for step in steps)))
    if not good or any(verdict.outcome not in OUTCOMES for verdict in verdicts.values()):
        raise ValueError("not a sample line (a field has a wrong type)")
    return line


def _step(data: Mapping[str, Any]) -> RecordedStep:
    return RecordedStep(data["turn"], decode_generation(data["generation"]), data.get("asked", "model"))


def decode_generation(data: Mapping[str, Any]) -> Generation:
    """A generation of its JSON values; `TypeError` where a field is missing or of another type."""
    calls = data.get("tool_calls")
    native = None if calls is None else tuple(build(NativeCall, call) for call in calls)
    generation: Generation = build(Generation, {**data, "tool_calls": native})
    return generation


def build(cls: type[Any], data: Mapping[str, Any], lenient: bool = False) -> Any:
    """Make a record out of JSON; fields that a later version added are ignored.

    Args:
        cls: One of the records of `harness.types`; other records in it are built already.
        data: Values by field; a list becomes a tuple.
        lenient: A value of another type is one that is not known, where the record says that it may be unknown (None).

    Returns:
        The record.

    Raises:
        TypeError: A field is missing, or its value is of another type than the record says.
    """
    known = _types(cls)  # type: ignore[arg-type]  # a class can be hashed
    kept = {}
    for name, value in data.items():
        if name in known:
            if not isinstance(value, known[name]):
                if not (lenient and NoneType in known[name]):
                    raise TypeError(f"{name} is {type(value).__name__}")
                value = None
            kept[name] = tuple(value) if type(value) is list else value
    return cls(**kept)


@cache
def _types(cls: type[Any]) -> dict[str, tuple[type, ...]]:
    return {name: tuple({*_accepted(hint)}) for name, hint in get_type_hints(cls).items()}


_AS_JSON: Mapping[type, tuple[type, ...]] = {float: (float, int), tuple: (list, tuple), Mapping: (dict,)}
"""Where a field is not read back as the class that it has."""


def _accepted(hint: Any) -> Iterator[type]:
    """Classes of the JSON values that a field can hold."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        for part in get_args(hint):
            yield from _accepted(part)
    elif origin is Literal:
        yield from map(type, get_args(hint))
    else:
        yield from _AS_JSON.get(origin or hint, (hint,))
