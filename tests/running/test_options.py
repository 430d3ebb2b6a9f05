from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageProblem
from harness.running import options
from harness.types import EngineSettings, Sampling


def flags(**changes: Any) -> dict[str, Any]:
    return {"model": "tiny", "engine": "auto", "model_args": (), "dtype": "auto", "base_urls": ()} | changes


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a=1,b=true"], {"a": 1, "b": True}),
        (["a-b=x"], {"a_b": "x"}),
        (["a=1,2,b=3"], {"a": "1,2", "b": 3}),
        (['stop=["x", "y"]'], {"stop": ["x", "y"]}),
        (["default=[f(a=1)]"], {"default": "[f(a=1)]"}),
        (["a={b"], {"a": "{b"}),
        (["a=1.5", "b="], {"a": 1.5, "b": None}),
        (["a=2026-01-01"], {"a": "2026-01-01"}),
        (['x={"a": 1}'], {"x": {"a": 1}}),
        (["url=http://h:8/v1?a=b"], {"url": "http://h:8/v1?a=b"}),
        (["peft=x"], {"adapter": "x"}),
    ],
)
def test_pairs(given: list[str], expected: dict[str, Any]) -> None:
    assert options.pairs("-M", given) == expected


def test_a_pair_without_value_is_refused() -> None:
    with pytest.raises(UsageProblem, match="--model-args: 'dtype' is not NAME=VALUE"):
        options.pairs("--model-args", ["dtype"])


def test_the_spelling_of_lm_eval_is_understood() -> None:
    args = ("pretrained=org/model,dtype=float32,peft=lora,tensor_parallel_size=2,base_url=http://x/v1",)
    settings, engine, notes = options.settings(flags(model="hf", model_args=args))
    assert engine == "hf"
    assert notes == ["note: read as --engine hf --model org/model"]
    expected = EngineSettings(
        "org/model",
        adapter="lora",
        dtype="float32",
        base_urls=("http://x/v1",),
        options={"tensor_parallel_size": 2},
    )
    assert settings == expected


def test_plain_flags_become_settings() -> None:
    settings, engine, notes = options.settings(flags(batch_size="auto", base_urls=("a", "b"), concurrency=3))
    assert (settings, engine, notes) == (EngineSettings("tiny", base_urls=("a", "b"), concurrency=3), "auto", [])
    assert options.settings(flags(batch_size="8"))[0].batch_size == 8
    with pytest.raises(UsageProblem, match="--batch-size"):
        options.settings(flags(batch_size="many"))


def test_thinking_and_gpus_are_for_the_template_and_the_engine() -> None:
    said = flags(engine="vllm", thinking="off", tp=2, dp=3, chat_template_kwargs=("x=1",), model_args=("a=b",))
    settings, *_ = options.settings(said)
    assert settings.chat_template_kwargs == {"x": 1, "enable_thinking": False}
    assert settings.options == {"tensor_parallel_size": 2, "dp": 3, "a": "b"}


@pytest.mark.parametrize(
    ("engine", "given", "expected"),
    [
        ("hf", {"dp": 2, "runner": "ray", "ray_address": "auto"}, {"dp": 2, "runner": "ray", "ray_address": "auto"}),
        ("auto", {"dp": 2, "runner": "local"}, {"dp": 2}),
        ("vllm-server", {"dp": 2, "tp": 4}, {"data_parallel_size": 2, "tensor_parallel_size": 4}),
        ("vllm", {"gpu_memory_utilization": 0.5}, {"gpu_memory_utilization": 0.5}),
        ("openai", {"runner": "local"}, {}),
    ],
)
def test_a_layout_is_said_in_the_engine_s_own_names(
    engine: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert options.settings(flags(engine=engine, **given))[0].options == expected


@pytest.mark.parametrize(
    ("engine", "given", "message"),
    [
        ("openai", {"dp": 2}, r"--dp is not for engine openai\nIt loads no model here; several servers"),
        ("hf", {"tp": 2}, r"--tp is not for engine hf\nIt takes --dp, --runner, --ray-address"),
        ("vllm_server", {"runner": "ray"}, r"--runner is not for engine vllm_server\nIt takes --tp, --dp, --gpu-mem"),
        ("vllm", {"gpu_memory_utilization": float("nan")}, "--gpu-memory-utilization cannot be nan"),
    ],
)
def test_an_engine_refuses_a_layout_that_it_does_not_have(engine: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        options.settings(flags(engine=engine, **given))


def test_no_model_is_a_usage_error() -> None:
    with pytest.raises(UsageProblem, match="--model is missing"):
        options.settings(flags(model=None))
    assert options.settings(flags(model=None, engine="replay"))[0].model == "replay"


def test_sampling() -> None:
    nothing = {"temperature": None, "top_p": None, "stop": None}
    assert options.sampling("greedy", nothing, ()) == Sampling()
    assert options.sampling("upstream", nothing, ()) == Sampling(temperature=0.001, max_tokens=4096)
    found = options.sampling("upstream", nothing | {"temperature": 0.7}, ('max_gen_toks=9,stop=["a","b"]',))
    assert found == Sampling(temperature=0.7, max_tokens=9, stop=("a", "b"))
    with pytest.raises(UsageProblem, match=r"temprature.*\n.*temperature"):
        options.sampling("greedy", nothing, ("temprature=1",))


def test_numbers_are_checked_wherever_they_come_from() -> None:
    with pytest.raises(UsageProblem, match="--temperature"):
        options.sampling("greedy", {}, ("temperature=-1",))
    with pytest.raises(UsageProblem, match="--request-timeout"):
        options.settings(flags(model_args=("request_timeout=0",)))
    with pytest.raises(UsageProblem, match="--batch-size"):
        options.settings(flags(batch_size="0"))


def test_a_config_names_flags(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("max-tokens: 7\ntasks: [a, b]\n")
    assert options.read_config(file, ["max_tokens", "tasks"]) == {"max_tokens": 7, "tasks": ["a", "b"]}
    with pytest.raises(UsageProblem, match=r"max_tokens.*\n.*max_token"):
        options.read_config(file, ["max_token", "tasks"])


@pytest.mark.parametrize("text", ["- a", "a: [", "\x00"])
def test_a_config_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UsageProblem, match="--config"):
        options.read_config(tmp_path / "c.yaml", [])
