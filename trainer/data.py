"""From examples to token ids with regions, in exactly the form that the harness asks and reads models in.

A conversation becomes one record for each assistant turn: its prompt is rendered as the harness would render it (the
handler's prompt, the model's chat template, earlier turns without their thinking), its reply is what the handler's
`write` gives, followed by the end of turn. The joined text is tokenised once and tokens get their region by offsets:

    <|im_start|>system … <|im_start|>assistant\\n   <think>\\n…\\n</think>   \\n\\n[get_weather(city='Bern')]<|im_end|>
    0                                              THINK                  RESULT

A token across a seam belongs to where it starts. Whatever cannot be used is counted with its reason.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import TemplateError

from harness import chat, plugins
from harness.benchmarks.bfcl import decode
from harness.data import calls as notation
from harness.data import examples
from harness.data.shapes import HALF
from harness.data.turns import shown as turn_messages
from harness.data.turns import tools_of, turns
from harness.errors import DataError
from harness.protocols import Handler, Written
from harness.text import one_line
from harness.types import Example, Prompt, Query, Reply
from trainer.losses import RESULT, THINK
from trainer.shown import unshown
from trainer.store import Record, tokens
from trainer.workers import spread

BATCH = 128
"""Rows encoded together."""
SENTINEL = "sentinel"
IN_ENVIRONMENT = "rows from the environments of "
"""Begins the count of rows that were made in a benchmark's own environments."""
REFUSALS = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError),
    TemplateError,
)
"""What handlers and chat templates raise at a row that they cannot show or write."""


@dataclass(slots=True)
class Corpus:
    """The records of a data set and what became of its rows."""

    records: Sequence[Any] = ()
    """A `Record` each; questions where replies are sampled."""
    counts: Counter[str] = field(default_factory=Counter)
    """Rows, records, and one entry for each reason why something was not used or is unusual."""
    sha256: str = ""

    @property
    def tokens(self) -> dict[str, int]:
        """Tokens of all records by region."""
        return tokens(self.records)


@dataclass(frozen=True, slots=True)
class _Text:
    """A record's text with its regions in characters."""

    id: str
    text: str
    think: tuple[int, int]
    result: int
    """Where the result region starts; it ends with the text."""
    weight: float


@dataclass(slots=True)
class Encoder:
    """Writes examples as a model of this convention would have to produce them."""

    tokenizer: Any
    handler: Handler
    max_length: int = 4096
    """Longest record in tokens."""
    overlong: str = "drop"
    """`drop` longer records, or `truncate` them at their end; both are counted."""
    turns: str = "all"
    """`all` assistant turns of a conversation are learnt, or only the `last`."""
    positions: int | None = None
    """Of the model: a longer record cannot be learnt, whatever `max_length` says."""
    reading: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of `harness.data.examples.read`: `columns` and `roles`."""
    end: str = field(init=False)
    """What ends a reply."""

    def __post_init__(self) -> None:
        """Find what ends a reply."""
        self.end = end_of_turn(self.tokenizer)

    def corpus(self, source: str | Path, form: str = "auto", limit: int | None = None) -> Corpus:
        """Read and encode a data set.

        Args:
            source: As `harness.data.examples.read` takes it.
            form: Its format.
            limit: Rows to read at most.

        Returns:
            The records, and the counts of everything that was not used.

        Raises:
            DataError: No record is left.
        """
        corpus = Corpus(sha256=examples.sha256(source))
        corpus.records = list(self.stream(source, form, limit, corpus.counts))
        return corpus

    def stream(
        self, source: str | Path, form: str, limit: int | None, counts: Counter[str], workers: int = 1
    ) -> Iterator[Record]:
        """Read and encode a data set, a batch of rows at a time.

        Args:
            source: As `harness.data.examples.read` takes it.
            form: Its format.
            limit: Rows to read at most.
            counts: Gets the counts of everything that was not used, and of the records in the end.
            workers: Processes that encode; what they make does not depend on their number.

        Yields:
            The records.

        Raises:
            DataError: There was none.
        """
        rows = islice(examples.read(source, form, **self.reading), limit)
        chunks = iter(lambda: list(islice(rows, BATCH)), [])
        for records, counted in spread(self.encode, chunks, workers):
            counts.update(counted)
            counts["records"] += len(records)
            yield from records
        if not counts["records"]:
            reasons = ", ".join(f"{name}: {count}" for name, count in counts.items())
            raise DataError(f"{source}: no row can be trained on ({reasons})")

    def encode(self, rows: Sequence[Example | examples.Unusable]) -> tuple[list[Record], Counter[str]]:
        """Encode some rows.

        Args:
            rows: As `harness.data.examples.read` gives them.

        Returns:
            Their records, and the counts of rows and of everything that was not used.
        """
        counts: Counter[str] = Counter()
        plugins.complete(self.handler, Handler, "handler")  # another process unpickles it and loads no plug-in
        return list(self._encode(list(self._texts(rows, counts)), counts)), counts

    def _texts(self, rows: Iterable[Example | examples.Unusable], counts: Counter[str]) -> Iterator[_Text]:
        for row in rows:
            counts["rows"] += 1
            if isinstance(row, examples.Unusable):
                counts[f"unusable: {one_line(row.reason, 200)}"] += 1
                continue
            counts.update(f"left out: {one_line(str(what), 200)}" for what in _left_out(row))
            if marked := row.source.get("benchmark_environment"):
                counts[f"{IN_ENVIRONMENT}{one_line(str(marked), 40)}"] += 1
            for _, turn in turns(row) if self.turns == "all" else [(0, row)]:
                try:
                    yield self._text(turn, counts)
                except REFUSALS as problem:
                    counts[f"unusable: {one_line(str(problem), 200) or type(problem).__name__}"] += 1

    def _text(self, example: Example, counts: Counter[str]) -> _Text:
        """Render an example, and count what is not shown.

        Raises:
            ValueError: The handler cannot write it so that it would be read back, or the template refuses it.
        """
        prompt, reply = ask(self.handler, example)
        written = self.handler.write(reply)
        head = _rendered(prompt, self.tokenizer).removesuffix(prompt.prefix)
        counts.update(f"left out: {what}" for what in unshown(example, head, native=reply.calls is not None))
        text, think, result = join(head, written)
        try:
            text.encode()
        except UnicodeEncodeError:  # an escape in a call's arguments; no tokenizer takes it
            raise ValueError(HALF) from None
        return _Text(example.id, text + self.end, think, result, example.weight)

    def _encode(self, texts: Sequence[_Text], counts: Counter[str]) -> Iterator[Record]:
        if not texts:
            return
        encoded = self.tokenizer(
            [text.text for text in texts], add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        for text, ids, offsets in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
            regions = _regions(text, [start for start, _ in offsets])
            longest = min(self.max_length, self.positions or self.max_length)
            if len(ids) > longest:
                why = "too long" if longest == self.max_length else f"longer than the model's {longest} positions"
                counts["truncated" if self.overlong == "truncate" else f"dropped: {why}"] += 1
                if self.overlong == "drop":
                    continue
                ids, regions = ids[:longest], regions[:longest]
            if not any(regions):
                counts["dropped: prompt fills the length"] += 1
                continue
            counts["without think"] += THINK not in regions
            counts["without result"] += RESULT not in regions
            yield Record(text.id, array("i", ids), regions, text.weight)


def ask(handler: Handler, example: Example) -> tuple[Prompt, Reply]:
    """The prompt that the harness would send, and the reply that the example wants.

    Args:
        handler: The model's convention.
        example: What to learn; native handlers get its answer as calls.

    Returns:
        Both.
    """
    query = query_of(example)
    prompt = handler.render(query)
    think = example.think.strip("\n") if example.think and example.think.strip() else None
    calls = notation.read_answer(example.answer) or decode.read_calls(example.answer)
    if not query.tools or not handler.native:
        if calls and example.answer.startswith("[{"):  # JSON is trained as it is, where it could be asked for at all
            notation.write_calls((call.name, call.arguments) for call in calls)
        return prompt, Reply(think, example.answer.lstrip("\n"))
    return prompt, Reply(think, example.said if calls else example.answer, tuple(calls or ()))


def query_of(example: Example) -> Query:
    """What the harness would ask."""
    from harness.benchmarks.bfcl.prompts import instruction

    tools = [dict(tool) for tool in example.tools]
    offered = tuple(dict(tool) for tool in tools_of(example.tools, example.messages))
    return Query(turn_messages(example.messages), offered, instruction(tools) if tools else "")


def join(head: str, written: Written) -> tuple[str, tuple[int, int], int]:
    """A prompt and its reply as one text. Where the chat template opens the think block, it is opened once, and closed
    where the reply does not think.

    Args:
        head: The prompt as rendered, without a forced start of the reply.
        written: What the handler wrote.

    Returns:
        The text, the think region in characters, and where the result region starts.
    """
    body, at, think = written.text, len(head), written.think
    opened = head.rstrip()
    if opened.endswith(chat.THINK) and body.startswith(chat.THINK):
        start = len(opened) - len(chat.THINK)
        rest = body.removeprefix(chat.THINK)
        body = rest if head == opened else rest.removeprefix("\n")
        at -= len(written.text) - len(body)
        return head + body, (start, at + think[1]), at + written.answer[0]
    if opened.endswith(chat.THINK):
        closed = f"{head}</think>" if head != opened else f"{head}\n</think>"
        return f"{closed}\n\n{body}", (len(opened) - len(chat.THINK), len(closed)), len(closed)
    return head + body, (at + think[0], at + think[1]), at + written.answer[0]


def end_of_turn(tokenizer: Any) -> str:
    """What ends an assistant's message, one token at least of which `generate()` can be told to stop at.

    Returns:
        What the chat template puts there, for example `<|im_end|>`; where it puts nothing, or that is not a token of
        its own, with the end of text behind it.
    """
    messages = ({"role": "user", "content": "?"}, {"role": "assistant", "content": SENTINEL})
    try:
        text = tokenizer.apply_chat_template(
            list(messages), chat_template=None if tokenizer.chat_template else chat.CHATML, tokenize=False
        )
    except REFUSALS:
        text = ""
    end: str = text.rpartition(SENTINEL)[2].strip() if SENTINEL in text else ""
    whole = end and len(tokenizer(end, add_special_tokens=False)["input_ids"]) == 1
    return end if whole else end + (tokenizer.eos_token or "")


def _rendered(prompt: Prompt, tokenizer: Any) -> str:
    try:
        return chat.render(prompt, tokenizer)
    except REFUSALS as problem:
        raise ValueError(f"the chat template refuses it: {problem}") from problem


def _left_out(row: Example) -> list[Any]:
    named = row.source.get("left_out")
    return named if isinstance(named, list) else []


def _regions(text: _Text, starts: Sequence[int]) -> array[int]:
    """The region of each token, by where it starts."""
    at = np.asarray(starts)
    think = (text.think[0] <= at) & (at < text.think[1])
    regions = np.where(at >= text.result, RESULT, THINK * think).astype(np.int8)
    regions[0] = 0  # nothing stands before it that could predict it
    return array("b", regions.tobytes())
