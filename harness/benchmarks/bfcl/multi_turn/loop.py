"""The official multi-turn loop as a generator of queries.

Upstream: `bfcl_eval/model_handler/base_handler.py: inference_multi_turn_prompting` and `inference_multi_turn_FC`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.benchmarks.bfcl import prompts
from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.judging import raw_answer
from harness.benchmarks.bfcl.multi_turn.calls import call_strings
from harness.benchmarks.bfcl.multi_turn.world import World
from harness.protocols import Play
from harness.types import Message, Query, Reply, Sample, Tool

MAX_STEPS = 21
"""Queries of one turn: upstream's constant is 20, compared with `>` after the count is raised."""


@dataclass(frozen=True, slots=True)
class Target:
    """What playing and judging a multi-turn sample needs."""

    question: Mapping[str, Any]
    """The question record."""
    held_out: Mapping[int, tuple[Tool, ...]]
    """Documents of functions that are shown only from a later turn on, by that turn."""


def play_turns(sample: Sample[Target]) -> Play:
    """Play all turns of a sample; stop where a turn runs out of steps."""
    world = World.of(sample.target.question)
    query = Query((), sample.tools, prompts.instruction(sample.tools))
    native = False
    for turn, opening in enumerate(sample.turns):
        added = sample.target.held_out.get(turn, ())
        if added:
            opening = (announcement(added, native),)
            if native:
                query = replace(query, tools=(*query.tools, *added))
        query = replace(query, messages=(*query.messages, *opening), turn=turn)
        for _ in range(MAX_STEPS):
            reply = yield query
            native = native or reply.calls is not None
            calls = _calls(reply)
            query = replace(query, messages=(*query.messages, *exchange(reply, calls, world)))
            if not calls:
                break
        else:
            return


def announcement(added: Sequence[Tool], native: bool) -> Message:
    """The user message of a turn in which held-out functions appear: their documents as Python writes them.

    With native tools only the sentence is sent, and the documents are added to the tools.
    """
    texts = prompts.constants()
    if native:
        return {"role": "user", "content": texts["DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC"]}
    template = texts["DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_PROMPTING"]
    return {"role": "user", "content": template.format(functions=list(added))}


def exchange(reply: Reply, calls: Sequence[str], world: World) -> Iterator[Message]:
    """The messages a step adds: the reply, and one tool message a call, named by the call.

    Args:
        reply: The model's reply.
        calls: Its call strings; empty where it made none.
        world: Where they are executed.

    Yields:
        Messages in the order of the conversation.
    """
    results = [{"role": "tool", "name": call, "content": world.execute(call)} for call in calls]
    if not reply.calls:
        yield {"role": "assistant", "content": reply.text}
        yield from results
        return
    # Ids only pair results with calls inside one step; handlers that send none drop them.
    native = [
        {
            "id": f"call_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
        }
        for index, call in enumerate(reply.calls)
    ]
    yield {"role": "assistant", "content": reply.text, "tool_calls": native}
    for result, call in zip(results, native, strict=True):
        yield {**result, "tool_call_id": call["id"]}


def _calls(reply: Reply) -> list[str]:
    raw, mode = raw_answer(reply)
    try:
        return call_strings(raw, mode)
    except Undecodable:
        return []
