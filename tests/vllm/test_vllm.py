"""vLLM in this process: the replies of the hf engine, token for token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engines.hf import HfSession
from harness.engines.vllm import PLUGIN, VllmSession
from harness.errors import UsageProblem
from harness.types import Prompt, RequestKey, Sampling
from tests.vllm.conftest import answers, prompts, said, settings


@pytest.fixture(scope="module")
def vllm(base: Path) -> Iterator[VllmSession]:
    session = PLUGIN.open(settings(base))
    yield session
    session.close()


def test_greedy_replies_equal_the_hf_engines(vllm: VllmSession, hf: HfSession) -> None:
    asked = prompts(100)
    ours, theirs = (said(answers(session, asked, Sampling(max_tokens=24))) for session in (vllm, hf))
    different = [index for index, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]
    assert different == []


def test_sampling_repeats_by_seed_and_differs_by_request(vllm: VllmSession) -> None:
    asked = [prompts(1)[0]] * 6
    drawn = Sampling(temperature=1.0, max_tokens=12, seed=5)
    first = said(answers(vllm, asked, drawn))
    assert first == said(answers(vllm, asked, drawn))
    assert len(set(first)) > 1


def test_stop_strings_and_schemas_are_honoured(vllm: VllmSession) -> None:
    [whole] = answers(vllm, prompts(1), Sampling(max_tokens=24))
    [cut] = answers(vllm, prompts(1), Sampling(max_tokens=24, stop=(whole.text[8:10],)))
    assert whole.text.startswith(cut.text)
    assert (cut.finish, len(cut.text) <= 8) == ("stop", True)
    schema = {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"], "additionalProperties": False}
    [shaped] = answers(vllm, [Prompt(prompts(1)[0].messages, schema=schema)], Sampling(max_tokens=60))
    assert shaped.text.lstrip().startswith("{")


def test_what_does_not_fit_is_a_fault(vllm: VllmSession) -> None:
    vllm.submit(RequestKey("a", 0, 0), Prompt(({"role": "user", "content": "~" * 3000},)), Sampling())
    [done] = vllm.collect()
    assert done.generation is not None
    assert (done.generation.finish, "prompt exceeds context" in done.generation.text) == ("overflow", True)


@pytest.mark.parametrize("zero", [False, True])
def test_an_adapter_is_proved_or_refused(base: Path, lora: Path, hf: HfSession, tmp_path: Path, zero: bool) -> None:
    asked = prompts(6)
    if not zero:
        session = PLUGIN.open(settings(lora))
        tuned = said(answers(session, asked, Sampling(max_tokens=12)))
        session.close()
        assert tuned != said(answers(hf, asked, Sampling(max_tokens=12)))
        return
    import torch
    from safetensors.torch import load_file, save_file

    weights: dict[str, Any] = load_file(lora / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text((lora / "adapter_config.json").read_text())
    save_file(
        {name: torch.zeros_like(value) for name, value in weights.items()}, tmp_path / "adapter_model.safetensors"
    )
    with pytest.raises(UsageProblem, match="changes nothing"):
        PLUGIN.open(settings(tmp_path))
