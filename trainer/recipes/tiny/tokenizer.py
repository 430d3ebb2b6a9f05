"""The tokenizer: byte-level BPE in which a word is the same tokens wherever it stands.

A space is a token of its own, except before function words, so that `base` in `triangle_base=`, `the base of` and
`"base"` is one token; copying a name from a document into a call is then copying tokens. Numbers are cut in groups of
two digits. The merges are learnt from this recipe's word lists alone: each listed word becomes one token.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from trainer.recipes.tiny import words as w
from trainer.recipes.tiny.concepts import invented

VOCABULARY = 6144
END = "<|im_end|>"
SPECIAL = ("<|endoftext|>", "<|im_start|>", END)
TAGS = ("<think>", "</think>")
"""Tokens of their own, but text: a decoded reply keeps them."""

PIECES = ("SYLLABLES_START", "SYLLABLES_MIDDLE", "SYLLABLES_END", "PREFIXES", "STEMS", "SUFFIXES")
"""Lists of `words` whose entries are parts of words."""
TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def _pattern() -> str:
    joined = "|".join(w.FUNCTION_WORDS)
    return (
        rf" (?:{joined})(?![A-Za-z])"
        r"|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|[0-9]{1,2}"
        r'|="|, |\.\n|\n\n\[|\)\]|[^A-Za-z0-9]'
    )


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
    lines += [str(number) for number in range(100) for _ in range(60)]
    lines += [f"{number:02d}" for number in range(10) for _ in range(60)]
    lines += [f" {word}" for word in w.FUNCTION_WORDS for _ in range(60)]
    lines += ['="', ", ", ".\n", "\n\n[", ")]"] * 100
    lines += [text for _ in range(20_000) for text in (invented(rng), invented(rng).capitalize())]
    return lines


def build(seed: int = 0) -> Any:
    """Train the tokenizer and dress it as transformers expects.

    Args:
        seed: Of the invented words.

    Returns:
        A `PreTrainedTokenizerFast` with the chat template.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_pattern()), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(TAGS),
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(seed), trainer)
    tokenizer.add_tokens([AddedToken(tag, normalized=False, special=False) for tag in TAGS])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token="<|endoftext|>",
        model_max_length=2048,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = TEMPLATE.read_text(encoding="utf-8")
    return fast
