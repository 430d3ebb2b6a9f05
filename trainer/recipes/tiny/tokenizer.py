"""The tokenizer: byte-level BPE in which a word is the same tokens wherever it stands.

A space is a token of its own, except before a few function words, so that `base` in `triangle_base=`, `the base of` and
`"base"` is one token; copying a name from a document into a call is then copying tokens. Digits stand alone. The merges
are learnt from this recipe's word lists only: each listed word becomes one token.

The class is `Qwen2Tokenizer`, because transformers loads no other for a Qwen2 model; it cuts text by Qwen's pattern
whatever `tokenizer.json` says, so words are kept apart by what is merged, not by a pattern of our own.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from trainer.recipes.tiny import words as w
from trainer.recipes.tiny.values import invented

VOCABULARY = 6144
END = "<|im_end|>"
SPACE = "Ġ"
"""A space, as byte-level BPE writes it."""
SPECIAL = ("<|endoftext|>", "<|im_start|>", END)
TAGS = ("<think>", "</think>")
"""Tokens of their own, but text: a decoded reply keeps them."""

PIECES = ("SYLLABLES_START", "SYLLABLES_MIDDLE", "SYLLABLES_END", "PREFIXES", "STEMS", "SUFFIXES")
"""Lists of `words` whose entries are parts of words."""
TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def _corpus(seed: int) -> list[str]:
    """Words, listed ones often enough to become whole tokens, invented ones for the pieces of unknown words."""
    rng = Random(seed)
    listed: set[str] = set()
    for name, group in vars(w).items():
        if name.isupper() and isinstance(group, tuple) and name not in PIECES:
            listed |= {word for entry in group for word in entry.replace("_", " ").split()}
    listed |= {"system", "user", "assistant", "tool"}
    lines = []
    for word in sorted(listed):
        lines += [word] * 60 + [word.lower()] * 40
    for phrase in (*w.GERUND_FREE_OPENERS, *w.FUNCTION_WORDS):
        lines += [word.capitalize() for word in phrase.replace(",", "").split() for _ in range(60)]
    for word in (*w.VERBS, *w.NOUNS, *w.ADJECTIVES):
        lines += [word.capitalize()] * 60
    lines += [verb + "s" for verb in w.VERBS for _ in range(40)] + [
        verb.capitalize() + "s" for verb in w.VERBS for _ in range(60)
    ]
    lines += [noun + "s" for noun in w.NOUNS for _ in range(40)]
    lines += ['="', ")]", "\n\n"] * 100
    lines += [text for _ in range(20_000) for text in (invented(rng), invented(rng).capitalize())]
    return lines


def build(seed: int = 0) -> Any:
    """Train the tokenizer and dress it as transformers expects.

    Args:
        seed: Of the invented words.

    Returns:
        A `Qwen2Tokenizer` with the chat template.
    """
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(TAGS) - len(w.JOINED),
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(_corpus(seed), trainer)
    learnt = json.loads(bpe.to_str())["model"]
    vocab: dict[str, int] = learnt["vocab"]
    merges: list[Any] = [tuple(merge) for merge in learnt["merges"]]
    for word in w.JOINED:  # ranked last, so that a space joins the whole word and never the start of a longer one
        vocab[SPACE + word] = len(vocab)
        merges.append((SPACE, word))
    fast = Qwen2Tokenizer(
        vocab=vocab,
        merges=merges,
        eos_token=END,
        pad_token=SPECIAL[0],
        additional_special_tokens=[SPECIAL[1]],
        model_max_length=2048,
    )
    fast.add_tokens([AddedToken(tag, normalized=False, special=False) for tag in TAGS])
    fast.chat_template = TEMPLATE.read_text(encoding="utf-8")
    return fast
