"""Think tokens by characters, whatever the tokenizer makes of the marks."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from harness import plugins
from harness.types import Reply
from tests.tinymodels import SPECIAL, tiny_tokenizer
from trainer.rl.region import Marks, Region, find, marks

TAGS = Marks("<think>", "</think>")
TEXTS = {
    "closed": "The user wants Oslo.\n</think>\n\n[f(a=1)]<|im_end|>",
    "empty": "</think>\n\n[f(a=1)]<|im_end|>",
    "character of four bytes": "\N{SNOWMAN} \N{PILE OF POO}\n</think>\n\n[f(a='\N{PILE OF POO}')]<|im_end|>",
    "two blocks": "a</think>b<think>c</think>[f()]<|im_end|>",
}


def joining_tokenizer() -> Any:
    """Without a token for the mark, and with one that joins its end to the line breaks behind it, as Qwen2.5's."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    whole = pre_tokenizers.Split(Regex(r"[A-Za-z]+| ?[^\sA-Za-z]+\n*|\s+"), "isolated")
    bpe.pre_tokenizer = pre_tokenizers.Sequence([whole, pre_tokenizers.ByteLevel(False, use_regex=False)])
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    bpe.train_from_iterator(["</think>\n\n[f(a=1)]"] * 20, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def marking_tokenizer() -> Any:
    """With the marks as special tokens."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": list(TAGS)})
    return tokenizer


TOKENIZERS = {"plain": tiny_tokenizer, "joining": joining_tokenizer, "marking": marking_tokenizer}


def by_offsets(tokenizer: Any, text: str, begin: int, end: int) -> tuple[int, int]:
    """The region as `trainer.data` finds it: a token belongs to where it starts."""
    starts = [
        start for start, _ in tokenizer(text, add_special_tokens=False, return_offsets_mapping=True).offset_mapping
    ]
    inside = [place for place, start in enumerate(starts) if begin <= start < end]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("name", TEXTS)
def test_a_closed_block_is_found_as_in_training_data(kind, name):
    tokenizer, text = TOKENIZERS[kind](), TEXTS[name]
    ids = tokenizer.encode(text, add_special_tokens=False)
    end = text.index(TAGS.close) + len(TAGS.close)
    assert find(tokenizer, ids, TAGS, opened=True) == Region(*by_offsets(tokenizer, text, 0, end), True)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_a_block_that_the_model_opens_starts_at_its_mark(kind):
    tokenizer, text = TOKENIZERS[kind](), "Well.\n<think>\nOslo\n</think>\n\n[f(a=1)]<|im_end|>"
    ids = tokenizer.encode(text, add_special_tokens=False)
    begin, end = text.index(TAGS.open), text.index(TAGS.close) + len(TAGS.close)
    assert find(tokenizer, ids, TAGS, opened=False) == Region(*by_offsets(tokenizer, text, begin, end), True)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_a_block_that_never_closes_is_all_that_follows(kind):
    tokenizer = TOKENIZERS[kind]()
    ids = tokenizer.encode("Oslo and Oslo and</think", add_special_tokens=False)
    assert find(tokenizer, ids, TAGS, opened=True) == Region(0, len(ids), False)
    assert find(tokenizer, ids, TAGS, opened=False) == Region(0, 0, False)
    assert find(tokenizer, [], TAGS, opened=True) == Region(0, 0, False)


def test_the_joining_tokenizer_joins():
    """What this is about: no token ends where the mark ends."""
    tokenizer = joining_tokenizer()
    text = "Oslo</think>\n\n[f()]"
    ends = [end for _, end in tokenizer(text, add_special_tokens=False, return_offsets_mapping=True).offset_mapping]
    assert text.index(TAGS.close) + len(TAGS.close) not in ends


@pytest.mark.parametrize("name", ["funreason", "prompt", "fc"])
def test_marks_are_what_the_handler_writes(name):
    assert marks(plugins.load("handlers", name)) == TAGS


def test_marks_of_every_dialect_enclose_what_it_writes():
    for name in plugins.names("dialects"):
        handler = plugins.handler("fc", {"dialect": name})
        found = marks(handler)
        if found is None:
            continue
        text = handler.write(Reply("Oslo", "answer")).text
        assert text.index(found.open) < text.index("Oslo") < text.index(found.close), name
