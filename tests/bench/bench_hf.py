"""The hf engine against lm-evaluation-harness' `HFLM.generate_until`: samples a second on real BFCL prompts.

Same prompts, model, batch size, token limit and one thread, greedy in float32. The peer lives in a venv of its own
(`HARNESS_LMEVAL_PYTHON`, or made on demand in the cache folder). CPU seconds are what a busy machine does not change.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from tabulate import tabulate

from harness import plugins
from harness.chat import render
from harness.engines.hf import PLUGIN
from harness.machine import cache_root
from harness.models import TINY
from harness.types import EngineSettings, Prompt, RequestKey, Sampling

CATEGORIES = ("simple_python", "multiple", "live_simple", "live_multiple")
PROMPTS = 400
BATCH = 32
LONGEST = 1700
PEER = Path(__file__).with_name("lmeval_peer.py")


def main(count: int = PROMPTS, only: str = "") -> None:
    """Print both rates for both models.

    Args:
        count: How many prompts.
        only: Start of a model's name.
    """
    # Before torch is loaded: one thread on both sides.
    os.environ["OMP_NUM_THREADS"] = "1"
    python, prompts = peer_python(), bfcl_prompts(count)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        models = {"tiny (embedded)": (str(TINY), 256), "27M (random)": (make_27m(Path(folder) / "27m"), 64)}
        for name, (model, limit) in models.items():
            if not name.startswith(only):
                continue
            ours, theirs = run_ours(model, prompts, limit), run_theirs(python, model, prompts, limit)
            same = sum(a == b for a, b in zip(ours["replies"], theirs["replies"], strict=True))
            ratios = [f"{theirs[clock] / ours[clock]:.2f}" for clock in ("seconds", "cpu")]
            rates = [count / side["cpu"] for side in (ours, theirs)]
            rows.append([name, *rates, *ratios, f"{ours['reused']:.0%}", f"{same}/{count}"])
    header = ["model", "ours /CPU s", "lm-eval /CPU s", "ratio wall", "ratio CPU (>= 1.5)", "KV reused", "same replies"]
    print(tabulate(rows, header, floatfmt=".2f", disable_numparse=[3, 4, 5, 6]))


def run_ours(model: str, prompts: list[Prompt], limit: int) -> dict[str, Any]:
    """Replies, seconds, and the share of prompt tokens that were not computed."""
    session = PLUGIN.open(EngineSettings(model, batch_size=BATCH, device="cpu"))
    replies, began, cpu = [""] * len(prompts), time.perf_counter(), time.process_time()
    for index, prompt in enumerate(prompts):
        session.submit(RequestKey(str(index), 0, 0), prompt, Sampling(max_tokens=limit))
    while batch := session.collect():
        for completion in batch:
            assert completion.generation, completion.fault
            replies[int(completion.key.sample_id)] = completion.generation.text
    seconds = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    computed, reused = session._decoder.computed_tokens, session._decoder.reused_tokens
    session.close()
    return {"replies": replies, "reused": reused / (computed + reused), **seconds}


def run_theirs(python: Path, model: str, prompts: list[Prompt], limit: int) -> dict[str, Any]:
    """The same from lm-evaluation-harness, in its own process."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    texts = [render(prompt, tokenizer) for prompt in prompts]
    job = {"model": model, "prompts": texts, "batch_size": BATCH, "max_tokens": limit}
    done = subprocess.run([python, PEER], input=json.dumps(job), text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def bfcl_prompts(count: int) -> list[Prompt]:
    """The first prompts of each category that fit the embedded model, as the funreason handler writes them."""
    from transformers import AutoTokenizer

    benchmark, handler = plugins.load("benchmarks", "bfcl"), plugins.load("handlers", "funreason")
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    prompts: list[Prompt] = []
    for category in CATEGORIES:
        asked = (handler.render(next(benchmark.play(sample, {}))) for sample in benchmark.load([category]))
        fitting = (prompt for prompt in asked if len(tokenizer.tokenize(render(prompt, tokenizer))) < LONGEST)
        prompts += itertools.islice(fitting, count // len(CATEGORIES))
    return prompts


def make_27m(path: Path) -> str:
    """A random Qwen2 of 27 million parameters with a tokenizer of general text, as models in the wild have.

    The embedded model's own tokenizer was made for BFCL: it turns the system prompt that all prompts share into a few
    tokens, and leaves little to share.
    """
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = general_tokenizer()
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=512,
        intermediate_size=1408,
        num_hidden_layers=9,
        num_attention_heads=8,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
    )
    Qwen2ForCausalLM(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return str(path)


def general_tokenizer() -> Any:
    """A byte-level BPE of 5,120 tokens, trained on the sources of Python's standard library."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    sources = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    trainer = trainers.BpeTrainer(
        vocab_size=5120, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train([str(path) for path in sources], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def peer_python() -> Path:
    """The interpreter of a venv that has lm-evaluation-harness, made where there is none."""
    if named := os.environ.get("HARNESS_LMEVAL_PYTHON"):
        return Path(named)
    venv = cache_root() / "venvs" / "lm-eval-0.4.13"
    python, ready = venv / "bin" / "python", venv / ".ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        same_torch = f"torch=={metadata.version('torch').partition('+')[0]}"
        subprocess.run([python, "-m", "pip", "install", "-q", same_torch, "lm-eval[hf]==0.4.13"], check=True)
        ready.touch()
    return python


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
