"""One tiny model and one vLLM engine for all tests: starting it takes most of a minute."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.chat import CHATML
from harness.engines.hf import PLUGIN as HF
from harness.engines.hf import HfSession
from harness.types import EngineSettings, Generation, Prompt, RequestKey, Sampling
from tests.tinymodels import make_tiny_lora, make_tiny_qwen2

collect_ignore_glob = [] if importlib.util.find_spec("vllm") else ["test_*.py"]
CPU_OPTIONS = {"enforce_eager": True, "gpu_memory_utilization": 0.2, "max_model_len": 1024}
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
# The default keeps a core in reserve.
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", f"0-{(os.cpu_count() or 1) - 1}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """vLLM's own warnings are not ours to mend; the hook sees every test of the session."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with a chat template; a head size that vLLM's CPU kernels take."""
    folder = make_tiny_qwen2(
        tmp_path_factory.mktemp("vllm") / "base", hidden_size=128, num_attention_heads=4, num_key_value_heads=2
    )
    # vLLM has no template of its own, and takes none from a request unless told to.
    (folder / "chat_template.jinja").write_text(CHATML)
    return folder


@pytest.fixture(scope="session")
def lora(base: Path) -> Path:
    """A random adapter of it."""
    return make_tiny_lora(base.parent / "lora", base)


@pytest.fixture(scope="session")
def hf(base: Path) -> Iterator[HfSession]:
    """The engine whose replies ours have to equal."""
    session = HF.open(EngineSettings(str(base), dtype="float32", device="cpu"))
    yield session
    session.close()


def settings(model: Path, **options: Any) -> EngineSettings:
    """Settings with which vLLM runs on a CPU."""
    return EngineSettings(str(model), dtype="float32", batch_size=32, options=CPU_OPTIONS | options)


def prompts(count: int) -> list[Prompt]:
    """Short conversations of different lengths, half of them with a think prefix."""
    words = "what is the area of a triangle with base ten and height five in Paris".split()  # noqa: SIM905
    return [
        Prompt(
            (
                {"role": "system", "content": "Answer with calls only. [get_weather(city='Paris')]"},
                {"role": "user", "content": " ".join(words[start % 7 : start % 7 + 1 + start % 9])},
            ),
            prefix="<think>\n" if start % 2 else "",
        )
        for start in range(count)
    ]


def answers(session: Any, asked: list[Prompt], sampling: Sampling) -> list[Generation]:
    """Every prompt's reply, in the order asked."""
    found: dict[int, Generation] = {}
    for index, prompt in enumerate(asked):
        session.submit(RequestKey(str(index), 0, 0), prompt, sampling)
    while batch := session.collect():
        for completion in batch:
            assert completion.generation, completion.fault
            found[int(completion.key.sample_id)] = completion.generation
    return [found[index] for index in range(len(asked))]


def said(generations: list[Generation], whole: bool = True) -> list[tuple[object, ...]]:
    """What has to be equal: text, end, and both token counts.

    A server's text comes from its own decoder, which marks broken characters (a random model writes many) differently.
    """
    texts = [g.text if whole else g.text.replace("\ufffd", "") for g in generations]
    return [(t, g.finish, g.prompt_tokens, g.completion_tokens) for t, g in zip(texts, generations, strict=True)]
