"""Write examples in the shapes that trainers of other projects read. `harness.data.examples` reads them back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.benchmarks.bfcl.decode import read_calls
from harness.data.turns import tools_of
from harness.errors import unknown_name
from harness.types import Example
from refine.ledger import write_lines


def export(examples: Iterable[Example], form: str, path: Path) -> tuple[int, int]:
    """Write a JSONL file.

    Args:
        examples: What to write.
        form: `trl`, `openai`, `sharegpt` or `xlam`.
        path: The file; replaced as a whole.

    Returns:
        Examples written, and left out because the format cannot hold them.

    Raises:
        UsageProblem: `form` is unknown.
    """
    if form not in _WRITERS:
        raise unknown_name("export format", form, _WRITERS)
    left_out = 0

    def rows() -> Iterator[Mapping[str, Any]]:
        nonlocal left_out
        for example in examples:
            row = _WRITERS[form](example)
            if row is None:
                left_out += 1
            else:
                yield row

    return write_lines(rows(), path), left_out


def _openai(example: Example) -> Mapping[str, Any]:
    """Messages with `tool_calls` where the answer is calls, thinking in `reasoning_content`."""
    answer: dict[str, Any] = {"role": "assistant", "content": example.answer}
    if calls := read_calls(example.answer):
        functions = [{"name": call.name, "arguments": json.dumps(dict(call.arguments))} for call in calls]
        answer["content"] = ""
        answer["tool_calls"] = [
            {"id": f"call_{n}", "type": "function", "function": function} for n, function in enumerate(functions)
        ]
    if example.think is not None:
        answer["reasoning_content"] = example.think
    tools = [{"type": "function", "function": tool} for tool in tools_of(example.tools, example.messages)]
    return {"id": example.id, "messages": [*example.messages, answer], "tools": tools}


def _trl(example: Example) -> Mapping[str, Any]:
    """TRL's conversational prompt-completion rows, thinking in tags before the answer text."""
    think = f"<think>\n{example.think}\n</think>\n\n" if example.think is not None else ""
    completion = [{"role": "assistant", "content": think + example.answer}]
    tools = [{"type": "function", "function": tool} for tool in tools_of(example.tools, example.messages)]
    return {"prompt": list(example.messages), "completion": completion, "tools": tools}


def _sharegpt(example: Example) -> Mapping[str, Any]:
    """`conversations` with `function_call` turns; thinking in tags before a textual answer, else lost to the format."""
    speakers = {"user": "human", "assistant": "gpt", "tool": "observation", "system": "system"}
    turns = [{"from": speakers[m["role"]], "value": m.get("content") or ""} for m in example.messages]
    if calls := read_calls(example.answer):
        value = json.dumps([{"name": call.name, "arguments": dict(call.arguments)} for call in calls])
        turns.append({"from": "function_call", "value": value})
    else:
        turns.append({"from": "gpt", "value": example.answer})
    return {"id": example.id, "conversations": turns, "tools": json.dumps(tools_of(example.tools, example.messages))}


def _xlam(example: Example) -> Mapping[str, Any] | None:
    """One query and its calls; a conversation of several messages or a textual answer does not fit."""
    calls = read_calls(example.answer)
    if not calls or len(example.messages) != 1:
        return None
    answers = [{"name": call.name, "arguments": dict(call.arguments)} for call in calls]
    return {
        "id": example.id,
        "query": example.messages[0]["content"],
        "answers": json.dumps(answers),
        "tools": json.dumps(tools_of(example.tools, example.messages)),
    } | ({"cot": example.think} if example.think is not None else {})


_WRITERS: Mapping[str, Callable[[Example], Mapping[str, Any] | None]] = {
    "trl": _trl,
    "openai": _openai,
    "sharegpt": _sharegpt,
    "xlam": _xlam,
}
