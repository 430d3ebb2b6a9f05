"""Memory and web search: the model works with tools until it answers in words, and the answer is looked for.

{"id": "memory_kv_0-customer-0", "question": [[{"role": "user", "content": "What is my first name?"}]],
 "involved_classes": ["MemoryAPI_kv"], "scenario": "customer"}
ground truth: ["Michael"]

Memory is filled in pre-conversations, which are samples without a verdict: each continues where the earlier ones of its
scenario ended, and the questions start from what the last one left. Nothing is stored for that: the recorded calls of
the earlier episodes are carried out again. Upstream: `eval_runner.py: _evaluate_single_agentic_entry`,
`agentic_checker.py`, `utils.py: process_memory_test_case`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.benchmarks.bfcl import data, prompts
from harness.benchmarks.bfcl.agentic.search import DOWN
from harness.benchmarks.bfcl.agentic.tools import unavailable
from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.judging import Read, plain, raw_answer
from harness.benchmarks.bfcl.multi_turn.calls import MODES, call_strings
from harness.benchmarks.bfcl.multi_turn.loop import calls_of, offer, play_turns
from harness.benchmarks.bfcl.multi_turn.world import World
from harness.benchmarks.bfcl.rules import Rules, rules_named
from harness.errors import unknown_name
from harness.protocols import Play
from harness.types import Episode, Message, Sample, Verdict

__all__ = ["CATEGORIES", "check", "judge", "play", "samples", "unavailable"]

CATEGORIES = data.AGENTIC

_IGNORED = re.compile(r"[,./\-_*^()]")


def samples(category: str) -> list[Sample[Mapping[str, Any]]]:
    """All samples of one category; none, with a warning, where its tools are missing.

    Pre-conversations come last, so that a limit counts questions; their order is that of `Sample.after`.
    """
    if (reason := unavailable(category)) is not None:
        logging.getLogger(__name__).warning("%s is not run: %s", category, reason)
        return []
    questions = data.questions(category)
    scenarios = dict.fromkeys(record["scenario"] for record in questions if "scenario" in record)
    chains = {scenario: data.memory_conversations(scenario, category) for scenario in scenarios}
    asked = [_sample(category, record, chains.get(record.get("scenario", ""), ())) for record in questions]
    return asked + [
        _sample(category, record, chain[:place]) for chain in chains.values() for place, record in enumerate(chain)
    ]


def play(sample: Sample[Mapping[str, Any]], before: Mapping[str, Episode]) -> Play:
    """Continue after the earlier conversations of the scenario."""
    record = sample.target
    kind = Searching if sample.category in data.WEB_SEARCH else World
    world = kind.of({"initial_config": {"WebSearchAPI": {"show_snippet": "no_snippet" not in sample.id}}, **record})
    for earlier in sample.after:
        for step in before[earlier].steps if earlier in before else ():
            for call in calls_of(step.reply):
                world.execute(call)
        _end_session(world)
    opening = _system(record, world)
    first, *others = sample.turns
    turns = [(opening, *first) if opening else first, *others]
    return play_turns(turns, offer(tuple(record["involved_classes"])), world)


def check(sample: Sample[Mapping[str, Any]], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
    """Judge the last message of an episode; pre-conversations have no verdict."""
    if is_earlier(sample.id):
        return {}
    steps = [raw_answer(step.reply) for step in episode.steps]
    return {sample.category: _judge(steps, data.answer(sample.id), rules_named(rules))}


def judge(
    sample_id: str,
    raw: Any,
    *,
    mode: str = "prompt",
    underscore_names: bool = False,
    rules: str = "upstream",
    read: Read | None = None,
) -> Verdict:
    """Judge the raw result of one question.

    Args:
        sample_id: Official id.
        raw: A list of exactly one turn: its steps, as text or `[{name: arguments}]`.
        mode: `prompt`, `fc` or `decoded`.
        underscore_names: Of no effect: no function of these categories has a dot in its name.
        rules: `upstream` or `strict`.
        read: Reads each step instead of the mode.

    Returns:
        The verdict. Evidence: the `answer` that was looked at and the `expected` ones.

    Raises:
        UsageProblem: Unknown id, mode or rules.
    """
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    expected, chosen = data.answer(sample_id), rules_named(rules)
    if not isinstance(raw, list) or len(raw) != 1 or not isinstance(raw[0], list | str | dict):
        return Verdict("fail", "agentic:inference_error", "the result is not a list of one turn")
    return _judge([read(step) if read else (step, mode) for step in raw[0]], expected, chosen)


class SearchUnavailable(Exception):
    """A search was not carried out."""


class Searching(World):
    """A world in which a search that is not carried out ends the item."""

    def execute(self, call: str) -> str:
        """Carry out a call.

        Raises:
            SearchUnavailable: The service did not search.
        """
        result = super().execute(call)
        if result.startswith(f'{{"error": "{DOWN}'):
            raise SearchUnavailable(result)
        return result


def is_earlier(sample_id: str) -> bool:
    """Whether the id is that of a pre-conversation."""
    return "_prereq_" in sample_id


def _sample(category: str, record: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> Sample[Any]:
    return Sample(
        id=record["id"],
        category=category,
        turns=tuple(tuple(turn) for turn in record["question"]),
        tools=offer(tuple(record["involved_classes"])).tools,
        target=record,
        after=tuple(conversation["id"] for conversation in earlier),
    )


def _system(record: Mapping[str, Any], world: World) -> Message | None:
    """Upstream's system message: how to use the memory and what is in it, then how to phrase the answer."""
    texts, parts = prompts.constants(), []
    if "scenario" in record:
        memory = world.instance(*world.classes)
        unified = "rec_sum" in record["id"]
        template = texts[f"MEMORY_BACKEND_INSTRUCTION_{'UNIFIED' if unified else 'CORE_ARCHIVAL'}"]
        setting = texts["MEMORY_AGENT_SETTINGS"][record["scenario"]]
        content = memory._dump_core_memory_to_context()
        parts.append(template.format(scenario_setting=setting, memory_content=content))
    if not is_earlier(record["id"]):
        parts.append(texts["ADDITIONAL_SYSTEM_PROMPT_FOR_AGENTIC_RESPONSE_FORMAT"])
    return {"role": "system", "content": "\n\n".join(parts)} if parts else None


def _end_session(world: World) -> None:
    """Go on as upstream does, from a snapshot: a memory of vectors embeds all its texts again, in one batch."""
    world.new_session()
    memory = world.used.get("MemoryAPI_vector")
    for store in (memory.core_memory, memory.archival_memory) if memory else ():
        store.load_from_snapshot(store.export())


def _judge(steps: Iterable[tuple[Any, str]], expected: Sequence[str], rules: Rules) -> Verdict:
    words = [step for step, mode in steps if not _makes_calls(step, mode, rules)]
    if not words or not words[-1]:
        return Verdict("fail", "agentic:no_last_message", "no message without a call", {"expected": expected})
    answer = words[-1][0] if isinstance(words[-1], list) else words[-1]
    evidence = {"answer": plain(answer), "expected": expected}
    message = standardise(str(answer))
    if any(re.search(rf"\b{re.escape(standardise(accepted))}\b", message) for accepted in expected):
        return Verdict("pass", evidence=evidence)
    return Verdict("fail", "agentic:answer_not_found", "none of the expected answers is in the last message", evidence)


def _makes_calls(step: Any, mode: str, rules: Rules) -> bool:
    try:
        return bool(call_strings(step, mode, rules))
    except Undecodable:
        return False


def standardise(text: str) -> str:
    """A text as answers are compared: some punctuation left out, lower case, one kind of quote; blanks stay."""
    return _IGNORED.sub("", text).lower().replace("'", '"')
