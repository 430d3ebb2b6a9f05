"""Prompting, native calls and a forced think block through servers that people run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness import run
from harness.engines.hf import PLUGIN as HF
from harness.results import store
from harness.results.lines import SampleLine
from harness.types import EngineSettings, Prompt, RequestKey, Sampling
from tests.real_servers.conftest import Served

LIMIT = 3


def measured(served: Served, output: Path, handler: str, **more: Any) -> list[SampleLine]:
    """The lines of a run of a few BFCL questions."""
    fixed: dict[str, Any] = {"model": served.model, "base_url": [served.url], "limit": str(LIMIT), "max_tokens": 24}
    fixed |= {"tasks": "simple_python", "concurrency": 2, "request_timeout": 300.0, "output": str(output)}
    (found,) = run(handler=handler, **fixed | more)
    return list(store.read_samples(found.folder))


def test_prompting_is_answered_and_counted(served: Served, bfcl_data: Path, tmp_path: Path) -> None:
    lines = measured(served, tmp_path, "prompt")
    assert [line.fault for line in lines] == [None] * LIMIT
    for generation in (line.steps[0].generation for line in lines):
        assert generation.text
        assert generation.prompt_tokens > 200
        assert 0 < generation.completion_tokens <= 24


def test_a_think_block_is_forced_once(served: Served, bfcl_data: Path, tmp_path: Path) -> None:
    lines = measured(served, tmp_path, "funreason", tokenizer=str(served.tokenizer))
    assert [line.fault for line in lines] == [None] * LIMIT
    assert all(not line.steps[0].generation.text.lstrip().startswith("<think>") for line in lines)


def test_dropped_tools_are_faults_that_say_so(served: Served, bfcl_data: Path, tmp_path: Path) -> None:
    lines = measured(served, tmp_path, "fc")
    assert len(lines) == LIMIT
    for line in lines:
        assert "drops tools" in (line.fault or "")
        assert {verdict.outcome for verdict in line.verdicts.values()} == {"unscored"}


def test_a_template_that_takes_tools_is_asked(served: Served, bfcl_data: Path, tmp_path: Path) -> None:
    lines = measured(served, tmp_path, "fc", model=served.with_tools, base_url=[served.with_tools_url])
    assert [line.fault for line in lines] == [None] * LIMIT


@pytest.mark.parametrize("prefix", ["", "<think>\n"])
def test_greedy_replies_equal_the_hf_engines(served: Served, folder: Path, prefix: str) -> None:
    if served.kind != "transformers":
        pytest.skip("llama.cpp computes with the quantised weights")
    asked = [Prompt(({"role": "user", "content": f"Name {count} colours."},), prefix=prefix) for count in (2, 3)]
    settings = EngineSettings(str(folder), dtype="float32", device="cpu")
    theirs = EngineSettings(served.model, base_urls=(served.url,), tokenizer=str(folder), request_timeout=300.0)
    assert replies(settings, asked) == replies(theirs, asked)


def replies(settings: EngineSettings, asked: list[Prompt]) -> dict[str, tuple[str, int, int]]:
    """Text and both token counts, by the prompt's index."""
    from harness.engines.openai import PLUGIN as OPENAI

    session = (OPENAI if settings.base_urls else HF).open(settings)
    for index, prompt in enumerate(asked):
        session.submit(RequestKey(str(index), 0, 0), prompt, Sampling(max_tokens=24))
    found = {}
    while batch := session.collect():
        for completion in batch:
            assert completion.generation, completion.fault
            made = completion.generation
            found[completion.key.sample_id] = (made.text, made.prompt_tokens, made.completion_tokens)
    session.close()
    return found
