"""Base models are asked, and their programs put together, as by EvalPlus; so are chat models with its beginning."""

from __future__ import annotations

import json
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from harness.benchmarks.evalplus import data, prompts
from harness.benchmarks.evalplus.benchmark import PLUGIN
from harness.benchmarks.evalplus.sanitize import sanitize
from harness.chat import render
from harness.data import datasets
from harness.engines._rows import reply_text
from harness.errors import DataError
from harness.handlers.completion import PLUGIN as COMPLETION
from harness.handlers.prompt import PromptHandler
from harness.types import Generation, Query
from tests.tinymodels import tiny_tokenizer

utility = pytest.importorskip("evalplus.provider.utility", reason="evalplus is not installed")
pytestmark = pytest.mark.usefixtures("evalplus_data")

WRITTEN = (
    "    return 1\n\n\ndef other():\n    return 2\n",
    "\tif True:\n\t\treturn 'a\tb'\n\nassert f() == 1\n",
    '    x = 1\n"""\nmore\n"""\nprint(x)\n',
    "import re\n\ndef helper():\n    return 3\n\nclass A:\n    pass\nif __name__ == '__main__':\n    pass",
    "",
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


def theirs(benchmark: str, written: list[str], folder: Path, eos: list[str]) -> tuple[list[str], list[str]]:
    """Prompts and raw solutions of EvalPlus's own loop around a model that writes these texts in turn."""
    from evalplus.codegen import codegen
    from evalplus.provider import DecoderBase

    asked: list[str] = []

    class Recorded(DecoderBase):
        def is_direct_completion(self) -> bool:
            return True

        def codegen(self, prompt: str, do_sample: bool = True, num_samples: int = 1) -> list[str]:
            asked.append(prompt)
            text = written[(len(asked) - 1) % len(written)]
            cut = min((text.index(stop) for stop in eos if stop in text), default=len(text))
            return [text[:cut].replace("\t", "    ")]  # as `HuggingFaceDecoder.codegen` ends

    target = folder / f"{benchmark}.jsonl"
    codegen(str(target), Recorded("recorded"), benchmark, greedy=True, id_range=(0, 40))
    raw = target.with_suffix("").with_suffix(".raw.jsonl")
    return asked, [json.loads(line)["solution"] for line in raw.read_text().splitlines()]


@pytest.mark.parametrize("benchmark", ["humaneval", "mbpp"])
def test_a_base_model_is_asked_and_read_as_by_evalplus(
    benchmark: str,
    tmp_path: Path,
    tokenizer: Any,
    evalplus_files: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variable = f"{benchmark.upper()}_OVERRIDE_PATH"  # evalplus reads it once, when it is imported
    monkeypatch.setattr(import_module(f"evalplus.data.{benchmark}"), variable, evalplus_files[variable])
    eos = [*utility.EOS[:6], *utility.extra_eos_for_direct_completion(benchmark)]
    asked, solutions = theirs(benchmark, list(WRITTEN), tmp_path, eos)
    samples = [sample for sample in PLUGIN.load((benchmark,)) if int(sample.id.split("/")[1]) < 40]
    assert len(samples) == len(asked) > 10
    for place, (sample, prompt, solution) in enumerate(zip(samples, asked, solutions, strict=True)):
        query: Query = next(PLUGIN.play(sample, {}))
        ours = COMPLETION.render(query)
        assert render(ours, tokenizer) == prompt
        assert set(ours.stop) == set(eos)
        ids = tokenizer.encode(WRITTEN[place % len(WRITTEN)])
        reply = COMPLETION.parse(Generation(reply_text(tokenizer, tokenizer.encode(prompt), ids, ours.stop)), query)
        assert reply.text == solution
        assert sanitize(reply.text, sample.target.entry_point)


def test_the_request_is_read_without_evalplus_or_its_dependencies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = next(prompts._installed()) / "codegen.py"
    wanted = prompts.instruction()
    monkeypatch.setattr(prompts, "_installed", lambda: iter(()))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="harness data fetch evalplus"):
        prompts.instruction.__wrapped__()
    wheel = tmp_path / "evalplus-0.3.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(installed, "evalplus/codegen.py")
    datasets.fetch("evalplus", wheel)
    assert prompts.instruction.__wrapped__() == wanted


def test_stop_strings_are_those_of_evalplus() -> None:
    for benchmark in data.DATA_SETS:
        problem = next(iter(data.problems(benchmark).values()))
        ours = prompts.opening(problem).stop
        assert sorted(ours) == sorted([*utility.EOS[:6], *utility.extra_eos_for_direct_completion(benchmark)])


def test_a_chat_model_with_evalplus_s_beginning_is_asked_the_same(tokenizer: Any) -> None:
    import inspect

    from evalplus.codegen import run_codegen

    source = inspect.getsource(run_codegen)
    beginning = source.split('response_prefix = "')[1].split('"')[0]
    tokenizer.chat_template = (
        "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}<end>{% endfor %}"
        "{{ '<assistant>' if add_generation_prompt }}"
    )
    for problem in list(data.problems("humaneval").values())[:20]:
        task = problem.prompt.strip() + "\n"
        wanted = utility.make_raw_chat_prompt(task, prompts.instruction(), beginning, tokenizer)
        handler = PromptHandler(think_prefix=f"{beginning}\n```python\n")
        ours = render(handler.render(Query(({"role": "user", "content": prompts.message(problem)},))), tokenizer)
        assert ours == wanted
