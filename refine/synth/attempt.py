"""One attempt at a turn: the reasoner's calls are carried out in a world of the attempt's own.

It passes where the world ends in the state of the walk and every result that is needed has been seen. Calls in another
order, or more of them, are right, too: state and results decide, not the text of the calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field

from harness.benchmarks.bfcl.decode import read_calls
from harness.data.calls import native, read_answer
from harness.data.turns import tools_of
from harness.types import FunctionCall, Message, Tool
from refine.environments import Environment, World
from refine.judge import Answer
from refine.synth import roles
from refine.synth.leaves import visible
from refine.synth.said import invented, spoken, thought_problem
from refine.synth.types import Mishap, Step, Trace, Turn, state_digest
from refine.types import Ask

SPARE = 3
"""Replies that an attempt may need beside one a step."""

Asked = Generator[Ask, Answer | None, None]


class Unanswered(Exception):
    """A role gave no readable reply: the conversation waits for another session.

    Args:
        stage: The role's stage.
    """

    def __init__(self, stage: str) -> None:
        super().__init__(f"no readable reply of the {roles.role_of(stage)}")
        self.stage = stage


@dataclass
class Talk:
    """A conversation as far as it has come."""

    environment: Environment
    trace: Trace
    tools: list[Tool]
    """What the conversation begins with."""
    messages: list[Message] = field(default_factory=list)
    done: list[FunctionCall] = field(default_factory=list)
    """Carried out so far; an attempt's world begins behind them."""
    results: list[str] = field(default_factory=list)
    errors: bool = False
    """Whether an error was shown on purpose."""

    def world(self) -> World:
        """A world in which all that was done has been done."""
        world = self.environment.fresh(self.trace.plan.world)
        for call in self.done:
            world.execute(call)
        return world


@dataclass
class Attempt:
    """One attempt, in a world of its own."""

    talk: Talk
    turn: Turn
    advanced: Mapping[str, str]
    notes: tuple[str, ...]
    world: World
    messages: list[Message]
    calls: list[FunctionCall] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    problem: str | None = None
    """Why it failed."""
    finished: bool = False
    _waiting: list[Mishap] = field(default_factory=list)

    @classmethod
    def at(cls, talk: Talk, turn: Turn, advanced: Mapping[str, str], notes: tuple[str, ...]) -> Attempt:
        """An attempt at the turn that a conversation has come to."""
        made = cls(talk, turn, advanced, notes, talk.world(), list(talk.messages))
        made._waiting = list(turn.mishaps)
        return made

    def run(self, tell: Callable[[Attempt], Generator[Ask, Answer | None, Message]]) -> Asked:
        """Ask the reasoner until it answers the user or fails.

        Args:
            tell: Gives what the user says where something was held back and the assistant has asked for it.

        Raises:
            Unanswered: A reply cannot be read.
        """
        held = self.turn.held_back is not None
        for _ in range(2 * len(self.turn.steps) + SPARE):
            self._show_refusal()
            answer = yield Ask("reasoner", roles.REASONER, self._material())
            if answer is None:
                raise Unanswered("reasoner")
            calls = self._take(answer["thought"], answer["reply"])
            if self.problem:
                return
            if calls is None and held:
                held = False
                self.messages.append((yield from tell(self)))
            elif calls is None:
                self.finished = True
                break
        self.problem = self._verdict()

    def _material(self) -> dict[str, str]:
        tools = json.dumps(tools_of(self.talk.tools, self.messages), ensure_ascii=False)
        seen = {"Conversation": spoken(self.messages), "Tools": tools}
        if self.turn.steps:
            seen["Description of the goal"] = self.advanced["description"]
        if self.notes:
            seen["Notes on what to avoid"] = "\n".join(self.notes)
        return seen

    def _take(self, thought: str, reply: str) -> list[FunctionCall] | None:
        """Take a reply and carry out its calls; None where it is an answer."""
        self.problem = thought_problem(thought, self.advanced.get("name", ""), spoken(self.messages))
        calls = read_answer(reply) or read_calls(reply)
        said = {"role": "assistant", "content": "" if calls else reply.strip(), "reasoning_content": thought.strip()}
        if self.problem:
            return None
        if not calls:
            self.problem = None if said["content"] else "the reply is empty"
            self.messages.append(said)
            return None
        self.problem = self._objection(calls)
        message = {**said, "tool_calls": native(calls, len(self.messages))}
        self.messages.append(message)
        if not self.problem:
            self._carry_out(message, calls)
        return calls

    def _objection(self, calls: list[FunctionCall]) -> str | None:
        names = {str(tool["name"]) for tool in tools_of(self.talk.tools, self.messages)}
        if unknown := next((call.name for call in calls if call.name not in names), None):
            return f"no tool is called {unknown!r}"
        if not self.turn.steps:
            return f"it calls {calls[0].name}, and nothing was to be called"
        return invented(calls, self.turn, spoken(self.messages))

    def _carry_out(self, message: Message, calls: list[FunctionCall]) -> None:
        """Show the results of calls; a transient error stands for a call that is not carried out."""
        for call, made in zip(calls, message["tool_calls"], strict=True):
            due = next((each for each in self._waiting if each.kind == "transient" and each.call == call), None)
            if due is not None:
                self._waiting.remove(due)
                text = due.text
            else:
                outcome = self.world.execute(call)
                text = outcome.text
                self.calls.append(call)
                self.results.append(text)
                if outcome.error and not self.problem:
                    self.problem = f"{call.name} was refused: {text[:300]}"
            self.messages.append({"role": "tool", "content": text, "tool_call_id": made["id"], "name": call.name})

    def _show_refusal(self) -> None:
        """Show a refused call, which is not learnt, once all that comes before its step is done."""
        for mishap in [each for each in self._waiting if each.kind == "natural"]:
            if all(step.result in self.results for step in self._before(mishap.step)):
                self._waiting.remove(mishap)
                outcome = self.world.execute(mishap.call)
                made = native([mishap.call], len(self.messages))
                self.messages += [
                    {"role": "assistant", "content": "", "tool_calls": made, "learn": False},
                    {"role": "tool", "content": outcome.text, "tool_call_id": made[0]["id"], "name": mishap.call.name},
                ]
                self.calls.append(mishap.call)

    def _before(self, index: int) -> Iterator[Step]:
        """Steps of the levels before that of a step."""
        for level in self.turn.levels:
            if any(step.index == index for step in level):
                return
            yield from level

    @property
    def showed_error(self) -> bool:
        """Whether an error was shown on purpose."""
        return len(self._waiting) < len(self.turn.mishaps)

    def _verdict(self) -> str | None:
        """What is wrong with where it ended."""
        if not self.finished:
            return "it did not come to an end"
        results = {*self.talk.results, *self.results}
        return turn_problem(self.turn, self.world, results, self.talk.environment.shows_state)


def turn_problem(turn: Turn, world: World, results: set[str], shows_state: bool) -> str | None:
    """What is wrong with a world at the end of a turn.

    Args:
        turn: As it was walked.
        world: As it was left.
        results: All that was returned in the conversation so far.
        shows_state: Whether the world's state tells what was done; else every result of the walk must be there.

    Returns:
        The reason; None where the turn is right.
    """
    if shows_state and turn.state_sha256 and state_digest(visible(world.state())) != turn.state_sha256:
        return "what it left behind is not what was wanted"
    needed = (step for step in turn.steps if "answer" in step.effects or not shows_state)
    missing = next((step.call.name for step in needed if step.result not in results), None)
    return f"a result that the user needs was never seen ({missing})" if missing else None
