"""The two official dialogue loops as generators: whom to ask next, what the executor answers, when it ends.

Multi-step: the agent and the executor alternate, whatever the agent says. Multi-turn: a simulated user opens, and what
the agent says goes to the executor where it reads as calls, otherwise to the user. The limit counts messages.
Upstream: `multi_turn_inference`, `multi_step_inference` in `model_inference/`, `*_scene.py` (commit 56dd66cf).
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from harness.benchmarks.acebench.agents.executor import World, call_texts
from harness.benchmarks.acebench.decode import Undecodable

MAX_MESSAGES = 40
"""Upstream's `max_dialog_turns`, which counts messages of all sides."""
FINISHED = "finish conversation"
"""What ends a dialogue, letter by letter, wherever it stands in a message after the second."""

_BRACKETS = re.compile(r"\[.*\]")
_LABELS = {"multi_turn": "execution:", "multi_step": "execution result:"}

Speaker = Literal["user", "agent", "execution"]


class Said(NamedTuple):
    """One message of a dialogue."""

    sender: Speaker
    recipient: Speaker
    content: Any
    """Text; of the executor a list of results, or a text where it could not read the message."""


class Turn(NamedTuple):
    """A text that is wanted: yielded by a dialogue, which is then sent the text."""

    speaker: Literal["agent", "user"]
    history: str
    """For the agent: the conversation so far, as upstream writes it."""


@dataclass
class Dialogue:
    """One agent's item under way, or at its end.

    Args:
        world: The services, as they are before the first call.
        nudge: What a multi-step agent is told that makes no readable call.
        limit: Messages after the first one.
    """

    world: World
    nudge: str = ""
    limit: int = MAX_MESSAGES
    messages: list[Said] = field(default_factory=list, init=False)
    process: list[str] = field(default_factory=list, init=False)
    """The messages that went to the executor."""

    def steps(self, question: str) -> Generator[Turn, str, None]:
        """Play a multi-step item.

        Args:
            question: The instruction, which the agent sees as the user's only message.

        Yields:
            When the agent is to speak.
        """
        self.messages.append(Said("user", "agent", question))
        history = ""
        for index in range(self.limit):
            if self.messages[-1].sender == "agent":
                self._execute(abort=False)
            else:
                # Only what came last is added, so that the agent never sees its own calls again.
                history += _line(self.messages[-1], "multi_step")
                self.messages.append(Said("agent", "execution", (yield Turn("agent", history))))
            if self._finished(index):
                return

    def turns(self) -> Generator[Turn, str, None]:
        """Play a multi-turn item.

        Yields:
            When the agent or the simulated user is to speak; the user opens.
        """
        self.messages.append(Said("user", "agent", (yield Turn("user", ""))))
        for index in range(self.limit):
            last = self.messages[-1]
            if last.recipient == "execution":
                self._execute(abort=True)
            elif last.recipient == "user":
                self.messages.append(Said("user", "agent", (yield Turn("user", ""))))
            else:
                history = "".join(_line(message, "multi_turn") for message in self.messages)
                text = yield Turn("agent", history)
                self.messages.append(Said("agent", "execution" if _reads_as_calls(text) else "user", text))
            if self._finished(index):
                return

    def talk(self) -> list[tuple[str, str]]:
        """Speaker and text of what user and agent said to each other, without calls and their results."""
        return [
            (said.sender, said.content)
            for said in self.messages
            if said.sender == "user" or (said.sender, said.recipient) == ("agent", "user")
        ]

    def _execute(self, abort: bool) -> None:
        text = self.messages[-1].content
        self.process.append(text)
        try:
            calls = call_texts(text)
        except Undecodable:
            self.messages.append(Said("execution", "agent", self.nudge))
            return
        self.messages.append(Said("execution", "agent", self.world.execute(calls, abort)))

    def _finished(self, index: int) -> bool:
        content = self.messages[-1].content
        return index > 1 and isinstance(content, str) and FINISHED in content


def _reads_as_calls(text: str) -> bool:
    if not _BRACKETS.search(text):
        return False
    try:
        call_texts(text)
    except Undecodable:
        return False
    return True


def _line(message: Said, kind: str) -> str:
    label = _LABELS[kind] if message.sender == "execution" else f"{message.sender}:"
    return f"{label}{message.content}\n"
