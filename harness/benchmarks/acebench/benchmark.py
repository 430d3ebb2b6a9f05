"""ACEBench as one benchmark: 17 categories in two languages, each a leaf such as `normal_atom_bool_en`.

A sample is a question, an agent's item, or a whole dialogue of normal multi-turn: its steps are asked one by one and
must all be right, as upstream counts. Ids are the official ones after the language: `en:normal_atom_bool_0`,
`zh:agent_multi_turn_3`, and for a dialogue without the step, `en:normal_multi_turn_user_adjust_7`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from harness.benchmarks.acebench import data, prompts, texts
from harness.benchmarks.acebench.agents.check import judge_agent
from harness.benchmarks.acebench.agents.executor import World
from harness.benchmarks.acebench.agents.loop import Dialogue
from harness.benchmarks.acebench.judging import judge
from harness.benchmarks.bfcl.values import plain
from harness.data import datasets, pins
from harness.errors import unknown_name
from harness.protocols import Play
from harness.types import Episode, Query, Reply, Sample, Verdict

LEAVES: Mapping[str, tuple[str, str]] = {
    f"{category}_{language}": (language, category) for language in data.LANGUAGES for category in data.CATEGORIES
}
"""Leaf category -> language and category."""


class Target(NamedTuple):
    """What a sample is about."""

    language: str
    questions: tuple[Mapping[str, Any], ...]
    """One record, or the steps of a dialogue."""


@dataclass(frozen=True, slots=True)
class AceBench:
    """ACEBench, both languages."""

    name: str = "acebench"
    version: str = f"commit 56dd66cf ({pins.dataset('acebench').version})"
    check_workers: int = 0
    also_checked_by: tuple[str, ...] = ("harness.benchmarks.bfcl.decode",)
    """Packages whose code takes part in judging: its digest is part of the checker's."""
    with_user: tuple[str, ...] = tuple(leaf for leaf, (_, name) in LEAVES.items() if name == data.AGENT_TURNS)
    """Leaves that need a simulated user."""

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """All, languages, groups of a language, and every category of a language."""
        groups: dict[str, Sequence[str]] = {"acebench": tuple(LEAVES)}
        groups |= {f"acebench_{language}": _leaves(language, data.CATEGORIES) for language in data.LANGUAGES}
        for language in data.LANGUAGES:
            for name, categories in data.GROUPS.items():
                groups[f"acebench_{name}_{language}"] = _leaves(language, categories)
        return groups | {leaf: (leaf,) for leaf in LEAVES}

    def data_sha256(self) -> str:
        """The pinned digests of questions and prompts, after every file was hashed."""
        for name in pins.family("acebench"):
            datasets.verify(name)
        digests = [datasets.sha256(name) for name in pins.family("acebench")]
        return hashlib.sha256(" ".join(digests).encode()).hexdigest()

    def load(self, categories: Sequence[str]) -> Iterator[Sample[Target]]:
        """Samples of the leaf categories in the official order, English first."""
        for category in categories:
            if category not in LEAVES:
                raise unknown_name("ACEBench category", category, LEAVES)
        for leaf, (language, category) in LEAVES.items():
            if leaf in categories:
                for name, questions in grouped(language, category).items():
                    turns = tuple(({"role": "user", "content": question["question"]},) for question in questions)
                    tools = tuple(questions[0]["function"])
                    yield Sample(f"{language}:{name}", leaf, turns, tools, Target(language, questions))

    def play(self, sample: Sample[Target], before: Mapping[str, Episode]) -> Play:
        """Ask each question, or play the agent's dialogue."""
        _, category = LEAVES[sample.category]
        if category in data.AGENT:
            yield from _play_agent(sample.target, _dialogue(sample.target, category), category)
            return
        expects: Literal["calls", "text"] = "text" if category in data.SPECIAL else "calls"
        for turn, question in enumerate(sample.target.questions):
            yield Query(prompts.single(sample.target.language, question), expects=expects, turn=turn)

    def check(self, sample: Sample[Target], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Judge the reply, all steps of a dialogue, or what an agent's calls left behind when carried out again."""
        _, category = LEAVES[sample.category]
        language, questions = sample.target
        replies = [step.reply for step in episode.steps]
        if category in data.AGENT:
            return {sample.category: _check_agent(sample.target, category, replies, rules)}
        verdicts = {
            question["id"]: judge(language, question["id"], raw_answer(reply), rules=rules)
            for question, reply in zip(questions, replies, strict=True)
        }
        if category in data.MULTI_TURN:
            return {sample.category: whole(verdicts)}
        return {sample.category: next(iter(verdicts.values()))}


def _leaves(language: str, categories: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{category}_{language}" for category in categories)


def grouped(language: str, category: str) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    """Questions of a category by sample: the steps of one dialogue are one sample."""
    found: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for name, question in data.questions(language, category).items():
        sample = name.rpartition("_")[0] if category in data.MULTI_TURN else name
        found[sample] = (*found.get(sample, ()), question)
    return found


def whole(verdicts: Mapping[str, Verdict]) -> Verdict:
    """The verdict on a dialogue from those on its steps by id: it is right where all of them are."""
    right = sum(verdict.outcome == "pass" for verdict in verdicts.values())
    steps = [
        {"id": name, "outcome": verdict.outcome, "code": verdict.code, "message": verdict.message, **verdict.evidence}
        for name, verdict in verdicts.items()
    ]
    evidence = {"steps": steps, "process_accuracy": round(right / len(verdicts), 3)}
    failed = next(((name, verdict) for name, verdict in verdicts.items() if verdict.outcome != "pass"), None)
    if failed is None:
        return Verdict("pass", None, "", evidence)
    name, verdict = failed
    return Verdict(verdict.outcome, verdict.code, f"{name}: {verdict.message}", evidence)


def raw_answer(reply: Reply) -> str:
    """The text that is judged; native calls, which were not asked for, are written as the prompt asks."""
    if not reply.calls:
        return reply.text
    calls = [
        f"{call.name}({', '.join(f'{name}={value!r}' for name, value in call.arguments.items())})"
        for call in reply.calls
    ]
    return f"[{', '.join(calls)}]"


def _dialogue(target: Target, category: str) -> Dialogue:
    language, (question, *_) = target

    def say(name: str, *values: Any) -> str:
        return texts.say(language, name, *values)

    nudge = texts.text(language, "nudge") if category == data.MULTI_STEP else ""
    return Dialogue(World.of(question, language, texts.states(language), say), nudge)


def _play_agent(target: Target, dialogue: Dialogue, category: str) -> Play:
    """Ask agent and simulated user in turn, until the dialogue ends."""
    language, (question, *_) = target
    steps = dialogue.steps(question["question"]) if category == data.MULTI_STEP else dialogue.turns()
    turn = next(steps)
    while True:
        if turn.speaker == "agent":
            messages = prompts.agent(language, question, turn.history)
            reply = yield Query(messages, expects="calls", turn=len(dialogue.messages))
        else:
            messages = prompts.simulated_user(language, question, dialogue.talk())
            reply = yield Query(messages, expects="text", turn=len(dialogue.messages), asks="user")
        try:
            turn = steps.send(raw_answer(reply))
        except StopIteration:
            return


def _check_agent(target: Target, category: str, replies: Sequence[Reply], rules: str) -> Verdict:
    dialogue = _dialogue(target, category)
    play: Generator[Query, Reply, None] = _play_agent(target, dialogue, category)
    next(play)
    for reply in replies:
        try:
            play.send(reply)
        except StopIteration:
            break
    else:
        return Verdict("unscored", "unfinished", "the dialogue does not end with the recorded replies")
    verdict = judge_agent(target.language, target.questions[0]["id"], dialogue.world.result(), dialogue.process, rules)
    talk = [{"from": said.sender, "to": said.recipient, "said": said.content} for said in dialogue.messages]
    evidence = {**verdict.evidence, "process": plain(dialogue.process), "talk": plain(talk)}
    return Verdict(verdict.outcome, verdict.code, verdict.message, evidence)


PLUGIN = AceBench()
