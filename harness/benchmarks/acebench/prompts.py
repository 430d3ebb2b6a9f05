"""What models are sent: the official templates, filled as upstream fills them.

Two messages, system and user, without native tools: function documents stand in the text as Python writes a list.
Upstream: `inference` in `model_inference/*_inference.py`, `multi_*/` (commit 56dd66cf).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.benchmarks.acebench import data
from harness.benchmarks.acebench.texts import text
from harness.types import Message

_SPEAKERS = ("user:", "agent:")


def single(language: str, question: Mapping[str, Any]) -> tuple[Message, ...]:
    """The messages of a normal or special question; `time` and `profile` are part of the system text."""
    category = data.category_of(question["id"])
    if category in data.SPECIAL:
        kind = "system_special"
    else:
        kind = "system_preference" if category == "normal_preference" else "system_normal"
    system = text(language, kind).format(
        time=question.get("time", ""), profile=question.get("profile", ""), function=question["function"]
    )
    return _pair(system, text(language, "question").format(question=question["question"]))


def agent(language: str, question: Mapping[str, Any], history: str) -> tuple[Message, ...]:
    """The messages of an agent's turn.

    Args:
        language: Of the item; upstream sends English multi-step items to API models with the Chinese templates (quirk
            18), here the item's own are sent.
        question: The question record.
        history: The conversation so far.
    """
    steps = data.category_of(question["id"]) == data.MULTI_STEP
    system = text(language, "step_system" if steps else "turn_system")
    if not steps:
        classes = question["involved_classes"]
        system += text(language, "travel_rules") if "Travel" in classes else ""
        system += text(language, "phone_rules") if "BaseApi" in classes else ""
    template = text(language, "step_user" if steps else "turn_user")
    return _pair(system, template.format(functions=question["function"], history=history))


def simulated_user(language: str, question: Mapping[str, Any], talk: Sequence[tuple[str, str]]) -> tuple[Message, ...]:
    """The messages of the simulated user: to it, the agent is the user, and what it said itself has the role system.

    Args:
        language: Of the item.
        question: The question record; its text is the user's instruction.
        talk: Speaker (`user` or `agent`) and text of what the two said to each other.
    """
    kind = "user_phone" if "BaseApi" in question["involved_classes"] else "user_travel"
    opening = _pair(text(language, kind).format(instruction=question["question"]), text(language, "opening"))
    said = tuple(
        {"role": "system", "content": content}
        if speaker == "user"
        else {"role": "user", "content": _without_speaker(content)}
        for speaker, content in talk
    )
    return (*opening, *said)


def _without_speaker(content: str) -> str:
    return next((content.removeprefix(name) for name in _SPEAKERS if content.startswith(name)), content)


def _pair(system: str, user: str) -> tuple[Message, ...]:
    return {"role": "system", "content": system}, {"role": "user", "content": user}
