"""Thinking in training data: the fields, the content parts and the tags that it stands in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from harness.data.calls import Unreadable

FIELDS = (
    *("reasoning_content", "reasoning", "reasoning_text", "reasoning_details"),
    *("thinking", "thinking_blocks", "thought", "thoughts", "think", "cot", "chain_of_thought", "rationale"),
)
"""Of an assistant turn."""
ROW_FIELDS = ("think", "cot", "thinking", "reasoning_content", "chain_of_thought", "rationale")
"""Of a row, for its answer; `reasoning` is left out, which data sets also use for a switch."""
PARTS = ("thinking", "reasoning", "reasoning.text", "reasoning.summary", "redacted_thinking", "reasoning.encrypted")
"""Types of content parts."""
TAGS = {
    **{f"<{name}>": f"</{name}>" for name in ("think", "thinking", "thought", "thoughts", "reasoning", "seed:think")},
    **{f"<{name}>": f"</{name}>" for name in ("scratch_pad", "scratchpad")},
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|start_thinking|>": "<|end_thinking|>",
}
"""Opening tags -> closing ones; letters count in any case."""
SAMPLE, SHARE = 1000, 0.1
"""Records of a data set that are looked at, and the share of them from which equal thinking is told of."""
_OPENING = re.compile("|".join(map(re.escape, TAGS)), re.IGNORECASE)
_CLOSING = re.compile("|".join(map(re.escape, TAGS.values())), re.IGNORECASE)


def split(text: str, closed: bool = True) -> tuple[str | None, str]:
    """Thinking in tags at the start of a text, and the rest.

    Args:
        text: The text; its thinking may lack the opening tag, which the templates of DeepSeek-R1 and others write.
        closed: Whether thinking that never closes is an error; else all of the text is thinking.

    Returns:
        Thinking, None where there are no tags, and the text after it.

    Raises:
        Unreadable: Thinking does not close, or stands in the middle of a text.
    """
    body = text.lstrip()
    if opening := _OPENING.match(body):
        end = re.compile(re.escape(TAGS[opening[0].lower()]), re.IGNORECASE).search(body, opening.end())
        if end is None and closed:
            raise Unreadable("thinking does not close")
        if end is None:
            return body[opening.end() :].strip("\n"), ""
        think, rest = body[opening.end() : end.start()], body[end.end() :].lstrip()
    else:
        end, later = _CLOSING.search(text), _OPENING.search(text)
        if end is None:
            return None, text
        if later and later.start() < end.start():
            think, rest = None, text
        else:
            think, rest = text[: end.start()], text[end.end() :].lstrip()
    later = _OPENING.search(rest)
    if later and re.compile(re.escape(TAGS[later[0].lower()]), re.IGNORECASE).search(rest, later.end()):
        raise Unreadable("thinking stands in the middle of a text")
    return think if think is None else think.strip("\n"), rest


def in_fields(message: Mapping[str, Any], fields: Sequence[str] = FIELDS) -> list[str]:
    """Texts of the fields that hold thinking.

    Args:
        message: An assistant turn, or a row.
        fields: Their names.

    Returns:
        One text a field that is there and not empty.

    Raises:
        Unreadable: A field holds something else.
    """
    return [text for field in fields if message.get(field) and (text := _text(message[field])).strip()]


def one(thoughts: Sequence[str]) -> str | None:
    """The thinking of a turn, which may be given in several ways.

    Raises:
        Unreadable: They differ.
    """
    texts = [text for text in thoughts if text.strip()]
    if len({text.strip() for text in texts}) > 1:
        raise Unreadable("thinking is given twice, with different texts")
    return next(iter(texts), None)


def commonest(thoughts: Sequence[Hashable]) -> tuple[Any, float]:
    """What is thought most often, and in which share of all."""
    thought, count = Counter(thoughts).most_common(1)[0]
    return thought, count / len(thoughts)


def _text(value: Any) -> str:
    """A field's text; of lists, such as OpenRouter's `reasoning_details`, all texts; what is encrypted has none."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        keys = ("text", "thinking", "reasoning", "summary", "content")
        found = next((value[key] for key in keys if value.get(key)), None)
        if found is None and str(value.get("type")) not in PARTS:
            raise Unreadable("thinking is not text")
        return "" if found is None else _text(found)
    if isinstance(value, list):
        return "\n".join(text for text in map(_text, value) if text)
    raise Unreadable("thinking is not text")
