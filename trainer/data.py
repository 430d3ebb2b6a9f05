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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from harness import chat
from harness.benchmarks.bfcl import decode
from harness.data import examples
from harness.errors import DataError
from harness.protocols import Handler
from harness.types import Example, Prompt, Query, Reply
from trainer.losses import RESULT, THINK

BATCH = 512
"""Texts tokenised together."""
SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class Record:
    """One reply to learn, with the conversation before it."""

    id: str
    ids: array[int]
    regions: array[int]
    """0, `THINK` or `RESULT` for each token."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(slots=True)
class Corpus:
    """The records of a data set and what became of its rows."""

    records: list[Record] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """Rows, records, and one entry for each reason why something was not used or is unusual."""
    sha256: str = ""

    @property
    def tokens(self) -> dict[str, int]:
        """Tokens of all records by region."""
        think = sum(record.regions.count(THINK) for record in self.records)
        result = sum(record.regions.count(RESULT) for record in self.records)
        return {"prompt": sum(map(len, self.records)) - think - result, "think": think, "result": result}


@dataclass(frozen=True, slots=True)
class _Text:
    """A record's text with its regions in characters."""

    id: str
    text: str
    think: tuple[int, int]
    result: int
    """Where the result region starts; it ends with the text."""


@dataclass(frozen=True, slots=True)
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
        texts = self._texts(islice(examples.read(source, form), limit), corpus.counts)
        while batch := list(islice(texts, BATCH)):
            corpus.records += self._encode(batch, corpus.counts)
        corpus.counts["records"] = len(corpus.records)
        if not corpus.records:
            reasons = ", ".join(f"{name}: {count}" for name, count in corpus.counts.items())
            raise DataError(f"{source}: no row can be trained on ({reasons})")
        return corpus

    def _texts(self, rows: Iterable[Example | examples.Unusable], counts: Counter[str]) -> Iterator[_Text]:
        for row in rows:
            counts["rows"] += 1
            if isinstance(row, examples.Unusable):
                counts[f"unusable: {row.reason}"] += 1
                continue
            for turn in _turns(row) if self.turns == "all" else [row]:
                try:
                    yield self._text(turn)
                except ValueError as problem:
                    counts[f"unusable: {problem}"] += 1

    def _text(self, example: Example) -> _Text:
        """Render an example.

        Raises:
            ValueError: The handler cannot write it so that it would be read back.
        """
        prompt, reply = ask(self.handler, example)
        written = self.handler.write(reply)
        head = chat.render(prompt, self.tokenizer).removesuffix(prompt.prefix)
        think = (len(head) + written.think[0], len(head) + written.think[1])
        text = head + written.text + end_of_turn(self.tokenizer)
        return _Text(example.id, text, think, len(head) + written.answer[0])

    def _encode(self, texts: Sequence[_Text], counts: Counter[str]) -> Iterator[Record]:
        encoded = self.tokenizer(
            [text.text for text in texts], add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        for text, ids, offsets in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
            regions = array("b", (_region(text, start) for start, _ in offsets))
            regions[0] = 0  # nothing stands before it that could predict it
            if len(ids) > self.max_length:
                counts["truncated" if self.overlong == "truncate" else "dropped: too long"] += 1
                if self.overlong == "drop":
                    continue
                ids, regions = ids[: self.max_length], regions[: self.max_length]
            if not any(regions):
                counts["dropped: prompt fills the length"] += 1
                continue
            counts["without think"] += THINK not in regions
            counts["without result"] += RESULT not in regions
            yield Record(text.id, array("i", ids), regions)


def ask(handler: Handler, example: Example) -> tuple[Prompt, Reply]:
    """The prompt that the harness would send, and the reply that the example wants.

    Args:
        handler: The model's convention.
        example: What to learn; native handlers get its answer as calls.

    Returns:
        Both.
    """
    from harness.benchmarks.bfcl.prompts import instruction

    tools = tuple(dict(tool) for tool in example.tools)
    prompt = handler.render(Query(example.messages, tools, instruction(tools) if tools else ""))
    think = example.think.strip("\n") if example.think and example.think.strip() else None
    if not tools or not handler.native:
        return prompt, Reply(think, example.answer.lstrip("\n"))
    calls = decode.read_calls(example.answer)
    return prompt, Reply(think, "" if calls else example.answer, tuple(calls or ()))


def end_of_turn(tokenizer: Any) -> str:
    """What the chat template puts after an assistant's message, for example `<|im_end|>`; else the end of text."""
    messages = ({"role": "user", "content": "?"}, {"role": "assistant", "content": SENTINEL})
    template = None if tokenizer.chat_template else chat.CHATML
    text: str = tokenizer.apply_chat_template(list(messages), chat_template=template, tokenize=False)
    return text.rpartition(SENTINEL)[2].strip() or tokenizer.eos_token


def _turns(example: Example) -> Iterator[Example]:
    """One example for each assistant turn; earlier ones are asked for with what stood before them."""
    said = tuple(
        {key: value for key, value in message.items() if key != "reasoning_content"} for message in example.messages
    )
    for index, message in enumerate(example.messages):
        if message["role"] == "assistant" and index and message.get("content"):
            think, answer = message.get("reasoning_content"), message["content"]
            yield replace(example, id=f"{example.id}@{index}", messages=said[:index], think=think, answer=answer)
    yield replace(example, messages=said)


def _region(text: _Text, start: int) -> int:
    if start >= text.result:
        return RESULT
    return THINK if text.think[0] <= start < text.think[1] else 0
