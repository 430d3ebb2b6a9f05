"""API-Bank as one benchmark: calls of levels 1 to 3, responses, and ToolRL's exact match.

The history in a prompt is always the recorded one (teacher forcing): a query does not depend on earlier replies.
Level 3 plays whole scenes in order, each on a `Stage` of its own; upstream keeps one for the whole file, which differs
only where a wrong call of one scene finds the flight or the hotel of a later one.

A scene is one sample with one verdict in `apibank_level3` (upstream's sample accuracy) and one for each of its calls in
`apibank_level3_call<k>`; the view pools those to upstream's accuracy. Leaves of scenes go by their number of calls, so
that each of these categories has its right size.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from harness.benchmarks.apibank import data, embedding
from harness.benchmarks.apibank.data import Item
from harness.benchmarks.apibank.judging import judge_call
from harness.benchmarks.apibank.scenes import Stage
from harness.benchmarks.apibank.verdicts import call_verdict, exact_verdict, response_verdict
from harness.data import datasets, pins
from harness.protocols import Play
from harness.types import Episode, Message, Query, Reply, Sample, Verdict

CALLS = {"apibank_level1": 1, "apibank_level2": 2}
SCENES = {f"apibank_level3_of{count}": count for count in (4, 5, 6, 7, 8)}
"""Leaf -> calls of its scenes."""
RESPONSES = {f"apibank_responses_level{level}": level for level in data.LEVELS}
EXACT = {f"apibank_exact_level{level}": level for level in data.LEVELS}
OFFICIAL = (*CALLS, *SCENES, *RESPONSES)
SCENE = "apibank_level3"
GROUPS: Mapping[str, tuple[str, ...]] = {
    "apibank": OFFICIAL,
    SCENE: tuple(SCENES),
    "apibank_responses": tuple(RESPONSES),
    "apibank_exact": tuple(EXACT),
}


@dataclass(frozen=True, slots=True)
class ApiBank:
    """Recorded dialogues with tools: which call comes next, and what is said after it."""

    name: str = "apibank"
    version: str = f"protocols official and exact, data of {pins.dataset(data.NAME).version}"
    check_workers: int = 0

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """`apibank` is the official protocol; `apibank_exact`, ToolRL's, is asked for by name."""
        return {**GROUPS, **{leaf: (leaf,) for leaf in (*OFFICIAL, *EXACT)}}

    def data_sha256(self) -> str:
        """Digest of the pinned files, all hashed, and of the way in which unknown searches are answered."""
        datasets.verify(data.NAME)
        digest = datasets.sha256(data.NAME)
        way = embedding.way()
        return digest if way == embedding.WAYS[0] else hashlib.sha256(f"{digest} {way}".encode()).hexdigest()

    def load(self, categories: Sequence[str]) -> Iterator[Sample[Any]]:
        """Samples of the leaves in the official order; the target is an item, the items of a scene, or an answer."""
        for leaf, level in CALLS.items():
            if leaf in categories:
                yield from (_sample(leaf, item) for item in data.items(level).values())
        scenes = _scenes() if any(leaf in categories for leaf in SCENES) else {}
        for leaf, count in SCENES.items():
            if leaf in categories:
                yield from (_scene(leaf, calls) for calls in scenes.values() if len(calls) == count)
        for leaf, level in RESPONSES.items():
            if leaf in categories:
                yield from (_sample(leaf, item) for item in data.responses().values() if item.level == level)
        for leaf, level in EXACT.items():
            if leaf in categories:
                yield from (_exact(leaf, name, row) for name, row in data.exact_items(level).items())

    def play(self, sample: Sample[Any], before: Mapping[str, Episode]) -> Play:
        """Ask for each call or response with the recorded history."""
        for turn, messages in enumerate(sample.turns):
            yield Query(messages, expects="text", turn=turn)

    def check(self, sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Judge by the protocol of the sample's category; `rules` make no difference."""
        replies = [step.reply for step in episode.steps]
        if sample.category in SCENES:
            return _check_scene(sample.target, replies)
        if sample.category in EXACT:
            return {sample.category: exact_verdict(sample.target, _exact_text(replies[-1]))}
        if sample.category in RESPONSES:
            return {sample.category: response_verdict(sample.target, replies[-1].text)}
        item: Item = sample.target
        return {sample.category: call_verdict(item, partial(judge_call, item, call_text(replies[-1])))}


def call_text(reply: Reply) -> str:
    """A reply as text; native calls are written in the benchmark's own form."""
    if not reply.calls:
        return reply.text
    return "\n".join(
        f"[{call.name}({', '.join(f'{name}={str(value)!r}' for name, value in call.arguments.items())})]"
        for call in reply.calls
    )


def _exact_text(reply: Reply) -> str:
    """A reply as ToolRL's protocol reads it; native calls are written as its lines."""
    if not reply.calls:
        return reply.text
    return "\n".join(
        json.dumps({"name": call.name, "parameters": dict(call.arguments)}, default=str) for call in reply.calls
    )


def _check_scene(calls: Sequence[Item], replies: Sequence[Reply]) -> Mapping[str, Verdict]:
    stage = Stage()
    found: dict[str, Verdict] = {}
    for place, (item, reply) in enumerate(zip(calls, replies, strict=True), 1):
        judge: Callable[..., Any] = partial(stage.judge, item, call_text(reply))
        found[f"{SCENE}_call{place}"] = call_verdict(item, judge)
    outcomes = [verdict.outcome for verdict in found.values()]
    evidence = {"calls": [verdict.code or "correct" for verdict in found.values()]}
    if "fail" in outcomes:
        return {SCENE: Verdict("fail", "WRONG_CALL", "a call of the scene is wrong", evidence), **found}
    if "unscored" in outcomes:
        return {SCENE: Verdict("unscored", "unknown_keywords", "a call could not be judged", evidence), **found}
    return {SCENE: Verdict("pass", None, "", evidence), **found}


@cache
def _scenes() -> Mapping[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in data.items(3).values():
        found.setdefault(item.id.partition(":")[0], []).append(item)
    return found


def _messages(instruction: str, text: str) -> tuple[Message, ...]:
    return {"role": "system", "content": instruction}, {"role": "user", "content": text}


def _sample(leaf: str, item: Item) -> Sample[Item]:
    return Sample(item.id, leaf, (_messages(item.instruction, item.input),), (), item)


def _scene(leaf: str, calls: Sequence[Item]) -> Sample[Sequence[Item]]:
    turns = tuple(_messages(item.instruction, item.input) for item in calls)
    return Sample(calls[0].id.partition(":")[0], leaf, turns, (), calls)


def _exact(leaf: str, name: str, row: Mapping[str, Any]) -> Sample[Mapping[str, Any]]:
    return Sample(name, leaf, (_messages(row["system"], row["user"]),), (), row["answer"])


PLUGIN = ApiBank()
