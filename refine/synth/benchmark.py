"""Synthesised conversations as a benchmark: the user's messages are said again, the model's calls are carried out.

    HARNESS_CONVERSATIONS=held_out/kept.jsonl harness run --model MODEL --tasks conversations

A turn is right when the world is then in the state of the walk and every result that the user needs was returned in the
conversation; other orders and more reads are right, too. One conversation counts in three categories:

| category | passes when |
| --- | --- |
| `conversations` | every turn is right |
| `conversation_turns` | graded: the share of its turns that are right |
| `conversation_calls` | graded: the share of the walk's results that were returned |

Errors that the data shows on purpose are not shown here: the world itself answers. The texts of replies are not judged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import files
from harness.benchmarks.bfcl import decode
from harness.data import examples
from harness.data.calls import native
from harness.data.turns import shown, tools_of
from harness.errors import DataError
from harness.protocols import Play
from harness.types import Episode, Example, FunctionCall, Message, Query, Reply, Sample, Verdict
from refine.environments import Environment, World, open_environment
from refine.synth.attempt import turn_problem
from refine.synth.types import Trace, trace_of

VARIABLE = "HARNESS_CONVERSATIONS"
MOST = 20
"""Replies to one message of the user."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a conversation is judged by."""

    trace: Trace
    messages: tuple[int, ...]
    """Messages of the user in each turn."""
    options: Mapping[str, Any]
    """Of the environment."""


class Conversations:
    """The plug-in."""

    name = "conversations"
    version = "2"
    check_workers = 0

    def __init__(self) -> None:
        self._environments: dict[str, Environment] = {}

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """One task, scored in three categories."""
        return {"conversations": ("conversations",)}

    def data_sha256(self) -> str:
        """Digest of the user's file."""
        return files.sha256(_file())

    def load(self, categories: Sequence[str]) -> list[Sample[Target]]:
        """All conversations of the file."""
        rows = [row for row in examples.read(_file()) if isinstance(row, Example)]
        if strange := next((row.id for row in rows if "trace" not in row.source), None):
            raise DataError(f"{_file()}: {strange!r} was not synthesised", "Give the kept.jsonl of `refine synth run`.")
        return [_sample(row) for row in rows]

    def play(self, sample: Sample[Target], before: Mapping[str, Episode]) -> Play:
        """The user's messages, each once the model has answered the one before it without a call."""
        from harness.benchmarks.bfcl.prompts import instruction

        told = instruction([dict(tool) for tool in sample.tools])
        tools = sample.tools
        messages: list[Message] = []
        world = self._world(sample.target)
        try:
            for turn, opening in enumerate(sample.turns):
                tools = tools_of(tools, opening)
                messages += shown(opening)
                for _ in range(MOST):
                    reply = yield Query(tuple(messages), tools, told, turn=turn)
                    calls = calls_of(reply)
                    messages += _said(reply, calls, world, len(messages))
                    if not calls:
                        break
                else:
                    return
        finally:
            world.close()

    def check(self, sample: Sample[Target], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Carry the calls out once more, turn by turn; `rules` make no difference."""
        target, right, why = sample.target, 0, []
        world = self._world(target)
        try:
            first, results = 0, set[str]()
            for number, (turn, count) in enumerate(zip(target.trace.turns, target.messages, strict=True)):
                steps = [step for step in episode.steps if first <= step.turn < first + count]
                calls = [call for step in steps for call in calls_of(step.reply)]
                results.update(world.execute(call).text for call in calls)
                called = f"it calls {calls[0].name}, and nothing was to be called" if calls and not turn.steps else None
                shows = self._environment(target).shows_state
                problem = called or turn_problem(turn, world, results, shows)
                right += problem is None
                why += [f"turn {number}: {problem}"] if problem else []
                first += count
        finally:
            world.close()
        share = right / len(target.trace.turns)
        evidence = {"right": right, "turns": len(target.trace.turns), "problems": why}
        whole = Verdict("pass") if share == 1 else Verdict("fail", "conversations:turn", why[0], evidence)
        credit = {**evidence, "credit": share}
        part = Verdict("pass", evidence=credit) if share == 1 else Verdict("fail", "conversations:turn", why[0], credit)
        return {
            "conversations": whole,
            "conversation_turns": part,
            "conversation_calls": _returned(target.trace, results),
        }

    def _world(self, target: Target) -> World:
        return self._environment(target).fresh(target.trace.plan.world)

    def _environment(self, target: Target) -> Environment:
        plan = target.trace.plan
        if plan.environment not in self._environments:
            opened = open_environment(plan.environment, target.options)
            self._environments[plan.environment] = opened
            if opened.digest != plan.digest:
                raise DataError(
                    f"{plan.environment} has changed since the conversations were made", "Synthesise them anew."
                )
        return self._environments[plan.environment]


def _returned(trace: Trace, results: set[str]) -> Verdict:
    """How many of a walk's results were returned; right where there are none to return."""
    steps = list(trace.steps())
    missing = [step.call.name for step in steps if step.result not in results]
    share = 1 - len(missing) / len(steps) if steps else 1.0
    evidence = {"missing": missing, "calls": len(steps), "credit": share}
    if not missing:
        return Verdict("pass", evidence=evidence)
    return Verdict("fail", "conversations:result", f"no result of {missing[0]} as it was walked", evidence)


def calls_of(reply: Reply) -> list[FunctionCall]:
    """The calls of a reply; none where it makes no call that can be read."""
    return list(reply.calls) if reply.calls is not None else decode.read_calls(reply.text) or []


def _said(reply: Reply, calls: Sequence[FunctionCall], world: World, place: int) -> Iterator[Message]:
    """The messages that a reply adds, in the form that conversations are trained in."""
    if not calls:
        yield {"role": "assistant", "content": reply.text}
        return
    made = native(calls, place)
    yield {"role": "assistant", "content": reply.text if reply.calls is not None else "", "tool_calls": made}
    for call, each in zip(calls, made, strict=True):
        text = world.execute(call).text
        yield {"role": "tool", "content": text, "tool_call_id": each["id"], "name": call.name}


def _sample(row: Example) -> Sample[Target]:
    trace = trace_of(row.source["trace"])
    said = [(message,) for message in row.messages if message["role"] == "user"]
    counts = tuple(2 if turn.held_back else 1 for turn in trace.turns)
    if sum(counts) != len(said):
        raise DataError(f"{row.id!r} has {len(said)} messages of a user where its walk has {sum(counts)}")
    target = Target(trace, counts, dict(row.source.get("environment_options") or {}))
    return Sample(row.id, "conversations", tuple(said), row.tools, target)


def _file() -> Path:
    named = os.environ.get(VARIABLE)
    if not named:
        raise DataError(
            f"no file of conversations is named in {VARIABLE}", f"For example: {VARIABLE}=held_out/kept.jsonl"
        )
    if not Path(named).is_file():
        raise DataError(f"{VARIABLE} names {named}, which is not a file")
    return Path(named)


PLUGIN = Conversations()
