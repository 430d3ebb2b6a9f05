"""The official multi-turn loop as a generator of queries.

Upstream: `bfcl_eval/model_handler/base_handler.py: inference_multi_turn_prompting` and `inference_multi_turn_FC`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, Protocol

from harness.benchmarks.bfcl import data, prompts
from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.judging import raw_answer
from harness.benchmarks.bfcl.multi_turn.calls import call_strings
from harness.protocols import Play
from harness.types import Message, Query, Reply, Tool

MAX_STEPS = 21
"""Queries of one turn: upstream's constant is 20, compared with `>` after the count is raised."""


class Executes(Protocol):
    """Where calls are executed."""

    def execute(self, call: str) -> str:
        """Carry out a call string; its result as text, errors included."""


class Offer(NamedTuple):
    """How a model is told of its functions."""

    tools: tuple[Tool, ...]
    """Documents as the model is shown them."""
    instruction: str
    """The system text that holds them."""


@lru_cache(maxsize=256)
def offer(classes: tuple[str, ...], withheld: frozenset[str] = frozenset()) -> Offer:
    """What the model is told at the start of an item; many items share it, and writing it out takes milliseconds.

    Args:
        classes: The environments involved, in the item's order.
        withheld: Functions that are left out for now.

    Returns:
        Documents with the language sentence, and the instruction.
    """
    docs = [tool for name in classes for tool in data.function_docs(name) if tool["name"] not in withheld]
    tools = prompts.rewrite(docs, "python")
    return Offer(tools, prompts.instruction(tools))


def play_turns(
    turns: Iterable[Sequence[Message]],
    offer: Offer,
    world: Executes,
    held_out: Mapping[int, tuple[Tool, ...]] = MappingProxyType({}),
) -> Play:
    """Play all turns of a conversation; stop where a turn runs out of steps.

    Args:
        turns: Messages that open each turn.
        offer: What the model is told of its functions from the start.
        world: Where calls are executed.
        held_out: Documents that are shown only from a later turn on, by that turn.

    Yields:
        What the model is asked next.
    """
    query = Query((), *offer)
    native = False
    for turn, opening in enumerate(turns):
        if added := held_out.get(turn):
            opening = (announcement(added, native),)
            if native:
                query = replace(query, tools=(*query.tools, *added))
        query = replace(query, messages=(*query.messages, *opening), turn=turn)
        for _ in range(MAX_STEPS):
            reply = yield query
            native = native or reply.calls is not None
            calls = calls_of(reply)
            query = replace(query, messages=(*query.messages, *exchange(reply, calls, world, len(query.messages))))
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


def exchange(reply: Reply, calls: Sequence[str], world: Executes, place: int) -> Iterator[Message]:
    """The messages a step adds: the reply, and one tool message a call.

    Args:
        reply: The model's reply.
        calls: Its call strings; empty where it made none.
        world: Where they are executed.
        place: How many messages there are already; makes the ids of native calls unique.

    Yields:
        Messages in the order of the conversation.
    """
    results = [{"role": "tool", "name": call, "content": world.execute(call)} for call in calls]
    if not reply.calls or not results:
        yield {"role": "assistant", "content": reply.text}
        yield from results
        return
    native = [
        {
            "id": f"call_{place}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
        }
        for index, call in enumerate(reply.calls)
    ]
    yield {"role": "assistant", "content": reply.text, "tool_calls": native}
    for result, made, call in zip(results, native, reply.calls, strict=True):
        yield {**result, "name": call.name, "tool_call_id": made["id"]}


def calls_of(reply: Reply) -> list[str]:
    """The call strings of a reply; empty where it makes no call that can be read."""
    raw, mode = raw_answer(reply)
    try:
        return call_strings(raw, mode)
    except Undecodable:
        return []
