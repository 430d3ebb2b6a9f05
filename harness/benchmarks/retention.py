"""What else can the model still do? Measures that move when fine-tuning costs something, quick enough for any release.

Texts, chat answers and questions are those of `harness/assets/retention.json`, written for this project.

| category | asked | score |
| --- | --- | --- |
| `retention_texts` | how likely is this text (prose, letters, code)? | mean over the texts of exp(-loss) |
| `retention_chat` | how likely is this answer to a chat question? | the same |
| `retention_questions` | a plain question, no tools | share answered by text that holds no function call |

Loss is the mean negative log-likelihood of a text's tokens in nats; exp(-loss), the geometric mean of their
probabilities (the inverse of the perplexity), puts it between 0 and 1 with more being better, so that it has an
interval, pairs, and is averaged like any other grade. The loss itself and the number of tokens are in the verdict's
evidence. Tokenizers cut texts otherwise: compare a model with what it was trained from, not with a stranger.

Texts are scored without a chat template, from their first token on where the tokenizer has a beginning-of-sequence
token and from their second on where it has none. Answers follow the template's generation prompt, without a handler's
think prefix. Questions are asked as the handler asks for free text. Only engines that give likelihoods (`hf`) can
measure the first two; elsewhere they are N/A.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from math import exp, fsum
from pathlib import Path
from typing import Any

from harness import files
from harness.benchmarks.bfcl import decode
from harness.protocols import Play
from harness.types import Episode, Generation, Query, Reply, Sample, Verdict

TEXTS, CHAT, QUESTIONS = CATEGORIES = ("retention_texts", "retention_chat", "retention_questions")
FILE = Path(__file__).parents[1] / "assets/retention.json"


class Retention:
    """The plug-in."""

    name = "retention"
    version = "1"
    scored = (TEXTS, CHAT)

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """`retention` for all of them, and each alone."""
        return {"retention": CATEGORIES, **{name: (name,) for name in CATEGORIES}}

    def data_sha256(self) -> str:
        """Digest of the texts and questions."""
        return files.sha256(FILE)

    def load(self, categories: Sequence[str]) -> list[Sample[str]]:
        """Samples with the text to be scored as their target; of a question it is empty."""
        return [sample for name in categories for sample in _samples(name)]

    def play(self, sample: Sample[str], before: Mapping[str, Episode]) -> Play:
        """One query: for the likelihood of the target, or for an answer."""
        yield Query(sample.turns[0], expects="text", scored=sample.target)

    def check(self, sample: Sample[str], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Grade the likelihood, or look for a call in the answer; `rules` make no difference."""
        step = episode.steps[-1]
        graded = _likelihood(step.generation) if sample.target else _answered(step.reply)
        return {sample.category: graded}


@cache
def _samples(category: str) -> list[Sample[str]]:
    found = json.loads(FILE.read_text("utf-8"))

    def sample(row: Mapping[str, str], target: str) -> Sample[Any]:
        asked = ({"role": "user", "content": row["question"]},) if "question" in row else ()
        return Sample(f"{category}_{row['id']}", category, (asked,), (), target)

    return {
        TEXTS: [sample(row, row["text"]) for row in found["texts"]],
        CHAT: [sample(row, row["answer"]) for row in found["chats"]],
        QUESTIONS: [sample(row, "") for row in found["questions"]],
    }[category]


def _likelihood(generation: Generation) -> Verdict:
    logprobs = generation.logprobs
    if not logprobs:
        return Verdict("unscored", "retention:no_likelihood", "the engine gave no likelihoods")
    loss = -fsum(logprobs) / len(logprobs)
    return Verdict("pass", evidence={"credit": round(exp(-loss), 6), "loss": round(loss, 6), "tokens": len(logprobs)})


def _answered(reply: Reply) -> Verdict:
    """An answer in words passes; a call, natively or as a call list on any line, and an answer of no letters do not."""
    evidence = {"got": reply.text}
    if reply.calls or any(decode.read_calls(line.strip()) is not None for line in reply.text.splitlines()):
        return Verdict("fail", "retention:called", "a function is called, and none was offered", evidence)
    if not any(map(str.isalnum, reply.text)):
        return Verdict("fail", "retention:empty", "the answer is empty", evidence)
    return Verdict("pass", evidence=evidence)


PLUGIN = Retention()
