"""The vllm engine against raw `LLM.generate`: `.venv-vllm/bin/python -m tests.vllm.bench_vllm`.

Same engine, model, real BFCL prompts and greedy sampling; both sides render and tokenise within their time. Rounds
alternate, each from an empty prefix cache, and the first of each side is thrown away. Ours gets its requests as the
runner sends them: as many as the session has slots, one more for each that comes back.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from tabulate import tabulate

from harness.chat import render
from harness.engines.vllm import PLUGIN
from harness.models import TINY
from harness.types import Prompt, RequestKey, Sampling
from tests.bench.bench_hf import bfcl_prompts
from tests.vllm.conftest import settings

PROMPTS, TOKENS, ROUNDS = 200, 128, 3


def main(rounds: int = ROUNDS) -> None:
    """Print both rates.

    Args:
        rounds: Of each side, beyond the first.
    """
    session = PLUGIN.open(settings(TINY, max_model_len=2048))
    asked = bfcl_prompts(PROMPTS)
    sides: list[Callable[[Any, list[Prompt]], list[str]]] = [raw, ours]
    seconds: list[list[float]] = [[], []]
    replies = []
    for _ in range(rounds + 1):
        for index, side in enumerate(sides):
            session._llm.reset_prefix_cache()
            began = time.perf_counter()
            replies.append(side(session, asked))
            seconds[index].append(time.perf_counter() - began)
    session.close()
    pairs = list(zip(*seconds, strict=True))[1:]
    shares = sorted(theirs / mine for theirs, mine in pairs)
    rates = [PROMPTS / statistics.median(side[1:]) for side in seconds]
    same = sum(len(set(texts)) == 1 for texts in zip(*replies, strict=True))
    row = [*rates, f"{statistics.median(shares):.1%}", f"{shares[0]:.1%}..{shares[-1]:.1%}", f"{same}/{PROMPTS}"]
    print(tabulate([row], ["LLM.generate /s", "ours /s", "share (>= 97%)", "rounds", "same replies"], floatfmt=".2f"))


def raw(session: Any, asked: list[Prompt]) -> list[str]:
    """Replies of `LLM.generate`."""
    from vllm import SamplingParams

    tokenizer, parameters = session._tokenizer, SamplingParams(temperature=0.0, max_tokens=TOKENS)
    texts = [render(prompt, tokenizer) for prompt in asked]
    ids = [{"prompt_token_ids": tokenizer.encode(text, add_special_tokens=False)} for text in texts]
    return [output.outputs[0].text for output in session._llm.generate(ids, parameters, use_tqdm=False)]


def ours(session: Any, asked: list[Prompt]) -> list[str]:
    """Replies through the session."""
    found = [""] * len(asked)
    waiting = iter(enumerate(asked))

    def submit(count: int) -> None:
        for _, (index, prompt) in zip(range(count), waiting, strict=False):
            session.submit(RequestKey(str(index), 0, 0), prompt, Sampling(max_tokens=TOKENS))

    submit(session.slots)
    while batch := session.collect():
        for completion in batch:
            assert completion.generation, completion.fault
            found[int(completion.key.sample_id)] = completion.generation.text
        submit(len(batch))
    return found


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
