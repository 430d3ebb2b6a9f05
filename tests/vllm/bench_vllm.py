"""The vllm engine against raw `LLM.generate` on the same engine and tokens: `python -m tests.vllm.bench_vllm`.

Rounds alternate, and the first of each side is thrown away: it fills the prefix cache for both.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tabulate import tabulate

from harness.chat import render
from harness.engines.vllm import PLUGIN
from harness.types import Prompt, Sampling
from tests.tinymodels import make_tiny_qwen2
from tests.vllm.conftest import answers, prompts, settings

PROMPTS, TOKENS, ROUNDS = 200, 48, 4


def main() -> None:
    """Print both rates."""
    with tempfile.TemporaryDirectory() as folder:
        shape = {"hidden_size": 512, "num_hidden_layers": 8, "num_attention_heads": 8, "intermediate_size": 1408}
        session = PLUGIN.open(settings(make_tiny_qwen2(Path(folder) / "model", **shape)))
        asked = prompts(PROMPTS)
        rounds = [(raw_seconds(session, asked), our_seconds(session, asked)) for _ in range(ROUNDS)][1:]
        session.close()
    raw, ours = (statistics.median(side) for side in zip(*rounds, strict=True))
    row = [PROMPTS / raw, PROMPTS / ours, f"{raw / ours:.1%}"]
    print(tabulate([row], ["LLM.generate /s", "ours /s", "share (>= 97%)"], floatfmt=".2f"))


def raw_seconds(session: Any, asked: list[Prompt]) -> float:
    """Seconds of `LLM.generate`, its prompts tokenised in time as ours are."""
    from vllm import SamplingParams

    tokenizer, parameters = session._tokenizer, SamplingParams(temperature=0.0, max_tokens=TOKENS)
    began = time.perf_counter()
    texts = [render(prompt, tokenizer) for prompt in asked]
    ids = [{"prompt_token_ids": tokenizer.encode(text, add_special_tokens=False)} for text in texts]
    session._llm.generate(ids, parameters, use_tqdm=False)
    return time.perf_counter() - began


def our_seconds(session: Any, asked: list[Prompt]) -> float:
    """Seconds through the session."""
    began = time.perf_counter()
    answers(session, asked, Sampling(max_tokens=TOKENS))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
