from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageProblem
from harness.running import options
from harness.running.settings import RunSettings
from harness.types import EngineSettings, Sampling


def asked(**changes: Any) -> RunSettings:
    return RunSettings(**{"model": "tiny", "tasks": "echo"} | changes)


def test_the_spelling_of_lm_eval_is_understood() -> None:
    args = ("pretrained=org/model,dtype=float32,peft=lora,tensor_parallel_size=2,base_url=http://x/v1",)
    settings, engine, notes = options.engine_settings(asked(model="hf", model_args=args))
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
    settings, engine, notes = options.engine_settings(asked(batch_size="auto", base_urls=("a", "b"), concurrency=3))
    assert (settings, engine, notes) == (EngineSettings("tiny", base_urls=("a", "b"), concurrency=3), "auto", [])
    assert options.engine_settings(asked(batch_size="8"))[0].batch_size == 8
    with pytest.raises(UsageProblem, match="--batch-size"):
        options.engine_settings(asked(batch_size="many"))


def test_thinking_and_gpus_are_for_the_template_and_the_engine() -> None:
    said = asked(engine="vllm", thinking="off", tp=2, dp=3, chat_template_kwargs=("x=1",), model_args=("a=b",))
    settings, *_ = options.engine_settings(said)
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
    assert options.engine_settings(asked(engine=engine, **given))[0].options == expected


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
        options.engine_settings(asked(engine=engine, **given))


def test_no_model_is_a_usage_error() -> None:
    with pytest.raises(UsageProblem, match="--model is missing"):
        options.engine_settings(asked(model=None))
    assert options.engine_settings(asked(model=None, engine="replay"))[0].model == "replay"


def test_a_setting_of_every_engine_may_stand_among_its_options(tmp_path: Path) -> None:
    template = tmp_path / "t.jinja"
    template.write_text("{{ messages }}")
    text = f"num_concurrent=2,dtype=float16,device=0,chat_template={template},base_url=http://x/v1,seed=3"
    settings, *_ = options.engine_settings(asked(model_args=text))
    assert (settings.concurrency, settings.dtype, settings.device) == (2, "float16", "0")
    assert (settings.chat_template, settings.base_urls) == ("{{ messages }}", ("http://x/v1",))
    assert settings.options == {"seed": 3}


def test_a_template_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.jinja").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageProblem, match=r"--chat-template .*t\.jinja is not text"):
        options.engine_settings(asked(chat_template=tmp_path / "t.jinja"))


def test_sampling() -> None:
    assert options.sampling(asked()) == Sampling()
    assert options.sampling(asked(preset="upstream")) == Sampling(temperature=0.001, max_tokens=4096)
    said = asked(preset="upstream", temperature=0.7, gen_kwargs='temperature=0.1,max_gen_toks=9,stop=["a","b"]')
    assert options.sampling(said) == Sampling(temperature=0.7, max_tokens=9, stop=("a", "b"))
    assert options.sampling(asked(preset="upstream", gen_kwargs={"temperature": 0, "stop": "x"})) == Sampling(
        stop=("x",)
    )
    with pytest.raises(UsageProblem, match=r"temprature.*\n.*temperature"):
        options.sampling(asked(gen_kwargs="temprature=1"))


def test_numbers_are_checked_wherever_they_come_from() -> None:
    with pytest.raises(UsageProblem, match="--temperature"):
        options.sampling(asked(gen_kwargs="temperature=-1"))
    with pytest.raises(UsageProblem, match="--request-timeout"):
        options.engine_settings(asked(model_args="request_timeout=0"))
    with pytest.raises(UsageProblem, match="--concurrency cannot be 0"):
        options.engine_settings(asked(model_args="num_concurrent=0"))
    with pytest.raises(UsageProblem, match="--batch-size"):
        options.engine_settings(asked(batch_size="0"))


def test_what_is_said_reaches_the_run(tmp_path: Path) -> None:
    said = asked(
        tasks="simple_python",
        limit=5,
        repeats=2,
        rules="strict",
        handler="prompt",
        think_prefix="",
        answer_delimiter="a\\nb",
        output=str(tmp_path),
        resume=False,
        prices="1,2",
        cost_limit=3,
        temperature=0.5,
    )
    (spec,), notes = options.specs(said)
    assert notes == []
    assert (spec.benchmark, spec.categories, spec.ids) == ("bfcl", ("simple_python",), ())
    assert (spec.limit, spec.repeats, spec.rules, spec.handler, spec.resume) == ("5", 2, "strict", "prompt", False)
    assert spec.handler_options == {"think_prefix": "", "answer_delimiter": "a\nb"}
    assert (spec.output, spec.prices, spec.cost_limit) == (tmp_path, {"prompt": 1.0, "completion": 2.0}, 3)
    assert (spec.retry_errors, spec.overwrite, spec.sample_timeout) == (True, False, None)
    (base,) = options.as_base([spec], "before")
    assert base.settings.model == "before"


def test_the_simulated_user_has_settings_of_its_own() -> None:
    assert options.specs(asked(tasks="simple_python"))[0][0].user is None
    said = asked(
        tasks="simple_python",
        user_model="person",
        user_base_urls="http://host/v1",
        user_gen_kwargs="temperature=0.5",
        seed=3,
    )
    user = options.specs(said)[0][0].user
    assert user is not None
    assert (user.settings.model, user.settings.base_urls, user.engine) == ("person", ("http://host/v1",), "auto")
    assert user.sampling == Sampling(temperature=0.5, max_tokens=1000)
    scripted = options.specs(asked(tasks="simple_python", user_engine="scripted", user_model_args="default=hello"))[0][
        0
    ].user
    assert scripted is not None
    assert scripted.settings.options == {"default": "hello"}
    with pytest.raises(UsageProblem, match="--user-model is missing"):
        options.specs(asked(tasks="simple_python", user_base_urls="http://host/v1"))
    with pytest.raises(UsageProblem, match="scripted"):
        options.specs(asked(tasks="simple_python", user_model="person", user_engine="scriptd"))
    with pytest.raises(UsageProblem, match="temperature"):
        options.specs(asked(tasks="simple_python", user_model="person", user_gen_kwargs="temprature=1"))
