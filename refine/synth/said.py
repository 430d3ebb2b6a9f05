"""Free checks of what models wrote: no judge is asked about a text that words alone can refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.types import FunctionCall, Message, Tool
from refine.synth.types import HeldBack, Source, Step, Turn

HINTED = re.compile(
    r"\b(?:hints?|hinted|(?:advanced|combined) tool|critics?|critique|feedback|ground truth|reference (?:answer|calls?)"
    r"|(?:previous|earlier|last|first|failed) (?:attempt|try)"
    r"|(?:right|correct|known|expected) (?:answer|calls?|solution)"
    r"|description of the goal|notes? (?:say|tell|on what)|what to avoid|as instructed|the instructions|training data"
    r"|trace)\b",
    re.IGNORECASE,
)
"""What a thought may not speak of: everything that stands beside the conversation and not in it."""
COPIED = re.compile(r"\s*(?:<[^<>]*>|[0-9a-f]{16})\s*")
"""A placeholder of a prompt's form, or the mark around its material, in place of a text: weak models give them back."""
_NAME = re.compile(r"[a-z0-9]+|[A-Z][a-z0-9]*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def leaves(value: Any) -> Iterator[Any]:
    """The values inside a JSON value that are neither objects nor lists."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def holds(text: str, value: Any) -> bool:
    """Whether a text says a value: in any case and spacing, a number as a number of its own."""
    if isinstance(value, bool) or value is None or value == "":
        return True
    if isinstance(value, int | float):
        return any(float(found) == float(value) for found in _NUMBER.findall(text.replace(",", "")))
    return " ".join(str(value).lower().split()) in " ".join(text.lower().split())


def value_of(step: Step, source: Source) -> Any:
    """The value of a call's argument that a source is of."""
    value: Any = step.call.arguments
    for key in source.parameter:
        value = value[key]
    return value


def told(turn: Turn) -> list[tuple[str, Any]]:
    """What only the user can say in a turn: parameter and value, each once; what is held back is not among it."""
    held, found = turn.held_back, []
    for step in turn.steps:
        for source in step.sources:
            pair = (str(source.parameter[0]), value_of(step, source))
            if source.kind in ("user", "state") and pair not in found and not _is_held(held, step, source):
                found.append(pair)
    return found


def _is_held(held: HeldBack | None, step: Step, source: Source) -> bool:
    return (
        held is not None
        and held.parameter is not None
        and step.index >= held.step
        and source.parameter[0] == held.parameter
    )


def query_problem(query: str, turn: Turn, before: Sequence[Message], tools: Sequence[Tool]) -> str | None:
    """What speaks against a user's message before a judge is asked.

    Args:
        query: The message.
        turn: What it must lead to.
        before: The conversation so far.
        tools: All tools of the environment.

    Returns:
        The reason; None where there is none.
    """
    if COPIED.fullmatch(query):
        return "it is copied from the prompt's form"
    heard = "\n".join([query, *(str(message.get("content") or "") for message in before)])
    if missing := [f"{name} {value!r}" for name, value in told(turn) if not holds(heard, value)]:
        return f"it does not say {', '.join(missing)}"
    if named := next((str(tool["name"]) for tool in tools if _names(query, str(tool["name"]))), None):
        return f"it names the tool {named}"
    held = turn.held_back
    if held and held.parameter and holds(query, held.value):
        return f"it says {held.parameter}, which is held back"
    if turn.kind == "implicit" and len(turn.steps) > 1 and all(_spelled(query, step.call.name) for step in turn.steps):
        return "it spells out every step"
    return None


def _names(text: str, tool: str) -> bool:
    """Whether a text names a tool; a name that is a plain word counts where it is written as a name only."""
    plain = tool.isalpha() and tool.islower()
    pattern = rf"`{re.escape(tool)}`|\b{re.escape(tool)}\(" if plain else rf"(?<!\w){re.escape(tool)}(?!\w)"
    return re.search(pattern, text) is not None


def _spelled(text: str, tool: str) -> bool:
    """Whether every word of a tool's name stands in a text."""
    said = set(re.findall(r"[a-z0-9]+", text.lower()))
    return all(word.lower() in said for word in _NAME.findall(tool))


def thought_problem(thought: str, advanced: str, conversation: str) -> str | None:
    """What in a thought cannot come from the conversation: words for the help that the writer had.

    Args:
        thought: The thought.
        advanced: Name of the advanced tool.
        conversation: As it stands; words that are used in it may be used in the thought.

    Returns:
        The reason; None where there is none.
    """
    if not thought.strip():
        return "there is no thought"
    heard = conversation.lower()
    if found := next((each[0] for each in HINTED.finditer(thought) if each[0].lower() not in heard), None):
        return f"the thought speaks of {found!r}"
    name = advanced.strip().lower()
    if len(name) > 3 and name not in heard and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", thought.lower()):
        return "the thought names the advanced tool"
    return None


def invented(calls: Iterable[FunctionCall], turn: Turn, known: str) -> str | None:
    """Whether calls use values that nobody can know yet: a result's before it came, or one that is held back.

    Args:
        calls: One list of calls.
        turn: Whose results give which values.
        known: All that was said and returned before the list.

    Returns:
        The reason; None where there is none.
    """
    late = [value_of(step, source) for step in turn.steps for source in step.sources if source.kind == "result"]
    if turn.held_back and turn.held_back.parameter:
        late += leaves(turn.held_back.value)
    for call in calls:
        for value in leaves(call.arguments):
            if any(value == each and type(value) is type(each) for each in late) and not holds(known, value):
                return f"{call.name} uses {value!r} before it is known"
    return None


def spoken(messages: Sequence[Message]) -> str:
    """A conversation as JSON lines, thoughts left out."""
    hidden = ("reasoning_content", "learn", "weight", "tools")
    return "\n".join(
        json.dumps({key: value for key, value in message.items() if key not in hidden}, ensure_ascii=False)
        for message in messages
    )
