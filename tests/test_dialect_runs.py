"""Whole runs of models with real chat templates, by a loopback server and by hf: prompt, reply and reading."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness import chat
from harness.benchmarks.bfcl import data, single_turn
from harness.handlers import dialects
from harness.reports import trials
from harness.results import store
from harness.running import rejudging
from harness.running.plan import RunSpec, SharedEngine, plan
from harness.running.runner import run
from harness.running.trial import Trial, trial
from harness.types import EngineSettings, FunctionCall, Prompt, Sampling
from tests.servers import Answer, Asked, loopback
from tests.tinymodels import make_tiny_qwen2, tiny_tokenizer

pytestmark = [
    pytest.mark.usefixtures("bfcl_data"),
    pytest.mark.filterwarnings("ignore:.past_key_values. is deprecated:FutureWarning"),
]
FAMILIES = {
    "qwen3": ("hermes", "<tool_call>"),
    "mistral-nemo-v3": ("mistral", "[TOOL_CALLS]"),
    "mistral-small-3.2-v11": ("mistral11", "[TOOL_CALLS]"),
    "glm-4.6": ("glm45", "<tool_call>"),
    "granite-3.3": ("granite3", "<|tool_call|>"),
    "gpt-oss": ("gpt_oss", "<|channel|>"),
    "deepseek-v3.1": ("deepseek_v31", "<｜tool▁call▁begin｜>"),
}
"""Template, dialect, and a mark that is a special token of the tokenizer."""
N = 6


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def checkpoint(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model under a real chat template, the template's mark a special token."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens(
        {"additional_special_tokens": [FAMILIES[request.param][1]], "bos_token": "<|im_start|>"}
    )
    tokenizer.chat_template = (shared_data / "chat-templates" / f"{request.param}.jinja").read_text("utf-8")
    folder = make_tiny_qwen2(tmp_path_factory.mktemp("checkpoint"), context=8192, tokenizer=tokenizer)
    (folder / "family").write_text(request.param)
    return folder


def first_answer(sample_id: str) -> list[FunctionCall]:
    """The first accepted value of each parameter; those that may be left out are."""
    return [
        FunctionCall(name, {key: values[0] for key, values in given.items() if values[0] != ""})
        for call in data.answer(sample_id)
        for name, given in call.items()
    ]


def spec_of(folder: Path, output: Path, **settings: Any) -> RunSpec:
    return RunSpec(
        settings=EngineSettings(model=str(folder), **settings),
        benchmark="bfcl",
        categories=("parallel",),
        engine="openai" if "base_urls" in settings else "hf",
        handler="fc",
        sampling=Sampling(max_tokens=8),
        limit=str(N),
        output=output,
    )


def test_replies_in_a_models_own_format_pass(checkpoint: Path, tmp_path: Path) -> None:
    name, mark = FAMILIES[(checkpoint / "family").read_text()]
    dialect = dialects.load(name)
    samples = single_turn.samples("parallel")[:N]

    def reply(asked: Asked) -> Answer:
        if asked.body is None:
            return Answer(status=404)
        prompt = asked.body["prompt"]
        sample = next(s for s in samples if s.turns[0][-1]["content"].strip() in prompt)
        offered = [tool["name"] for tool in sample.tools]
        calls = first_answer(sample.id)
        if dialect.underscore_names:
            calls = [FunctionCall(c.name.replace(".", "_"), c.arguments) for c in calls]
            offered = [name.replace(".", "_") for name in offered]
        assert all(name in prompt for name in offered)
        text = dialect.write(calls)
        assert mark in text
        assert asked.body.get("skip_special_tokens", True) is not dialect.keep_special_tokens
        if asked.body.get("skip_special_tokens", True):  # as servers do
            text = text.replace(mark, "")
        return Answer({"choices": [{"index": 0, "text": text, "finish_reason": "stop"}], "usage": {}})

    with loopback(reply) as server:
        settings = {"base_urls": (server.url,), "tokenizer": str(checkpoint), "options": {"api": "completions"}}
        spec = spec_of(checkpoint, tmp_path, **settings)
        with closing(SharedEngine(spec.engine, spec.settings)) as engine:
            assert f"dialect {name}: its chat template holds" in plan(spec, engine).why
        record = run(spec)
        found = tried(spec)
    assert record.handler_options["dialect"] == name
    assert record.scores["parallel"].unscored == 0
    assert (record.scores["parallel"].passed, record.scores["parallel"].judged) == (N, N)

    (shown,) = found.shown
    assert server.asked[-1].body["prompt"] == rendered(shown.prompt, checkpoint)
    assert sorted(map(repr, shown.reply.calls or ())) == sorted(map(repr, first_answer(shown.id)))
    text = trials.text([found])
    assert samples[0].turns[0][-1]["content"].strip() in text
    assert text.count(", ".join(f"{call.name}({dict(call.arguments)})" for call in first_answer(shown.id))) == 1
    assert (mark in text.partition("-- reply")[2]) is dialect.keep_special_tokens
    assert "the set-up fits" in text


def test_the_hf_engine_renders_and_reads(checkpoint: Path, tmp_path: Path) -> None:
    spec = spec_of(checkpoint, tmp_path)
    record = run(spec)
    assert record.scores["parallel"].unscored == 0
    lines = list(store.read_samples(store.path_of(tmp_path, record)))
    assert [line.fault for line in lines] == [None] * N
    assert record.readings["parallel"].asked == N

    found = tried(spec)
    (shown,) = found.shown
    ids = chat.encode(shown.prompt, tokenizer_of(checkpoint))
    assert shown.generation.prompt_tokens == len(ids)
    text = trials.text([found])
    for part in (
        single_turn.samples("parallel")[0].turns[0][-1]["content"].strip(),
        "-- reply",
        "-- read",
        "-- verdict",
    ):
        assert part in text
    assert "1 of 1 replies are cut off at 8 tokens" in text


def test_the_hf_engine_keeps_marks_where_the_dialect_needs_them(checkpoint: Path, tmp_path: Path) -> None:
    name, mark = FAMILIES[(checkpoint / "family").read_text()]
    spec = spec_of(always_saying(mark, checkpoint, tmp_path / "mark"), tmp_path)
    (shown,) = tried(spec).shown
    assert shown.generation.text == (mark * 8 if dialects.load(name).keep_special_tokens else "")


def tried(spec: RunSpec) -> Trial:
    with closing(SharedEngine(spec.engine, spec.settings)) as engine:
        return trial(spec, engine, 1)


def tokenizer_of(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def rendered(prompt: Prompt, folder: Path) -> str:
    return chat.render(prompt, tokenizer_of(folder))


def always_saying(mark: str, folder: Path, to: Path) -> Path:
    """The checkpoint with weights that make the mark the likeliest next token, whatever was asked.

    Every embedding has a large first coordinate, which the layers hardly change, and the head reads nothing else.
    """
    import torch
    from transformers import AutoModelForCausalLM

    shutil.copytree(folder, to)
    model = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        model.model.embed_tokens.weight[:, 0] = 1000.0
        model.lm_head.weight.zero_()
        model.lm_head.weight[tokenizer_of(folder).convert_tokens_to_ids(mark), 0] = 1.0
    model.save_pretrained(to)
    return to


def test_rules_of_judging_are_rules_of_reading(tmp_path: Path) -> None:
    [call] = first_answer("simple_python_0")
    block = json.dumps({"name": call.name, "arguments": call.arguments})
    spec = RunSpec(
        settings=EngineSettings(model="scripted", options={"default": f"<tool_call>{block}</tool_call>"}),
        benchmark="bfcl",
        categories=("simple_python",),
        engine="scripted",
        handler="fc",
        handler_options={"dialect": "hermes"},
        ids=("simple_python_0",),
        output=tmp_path,
    )
    record = run(spec)
    assert record.scores["simple_python"].passed == 0
    folder = store.path_of(tmp_path, record)
    assert rejudging.rejudged(folder, "strict", print)[0].scores["simple_python"].passed == 1
    both = rejudging.tally(folder, ("upstream", "strict"), print)
    assert [both.scores(rules)["simple_python"].passed for rules in ("upstream", "strict")] == [0, 1]


def test_special_tokens_are_part_of_a_reply_only_where_asked_for() -> None:
    from harness.engines._rows import reply_text

    tokenizer = tiny_tokenizer()
    ids = tokenizer.encode("<|im_start|>f(a=1)", add_special_tokens=False)
    assert reply_text(tokenizer, [], ids, ()) == "f(a=1)"
    assert reply_text(tokenizer, [], ids, (), keep_special_tokens=True) == "<|im_start|>f(a=1)"


def test_a_pretty_printed_list_passes_under_auto(shared_data: Path) -> None:
    """`auto` gave such models the rule of the last line, which is `]` here."""
    from harness import handlers
    from harness.types import Generation, ModelInfo, Query

    file = shared_data.parent / "cases" / "bfcl" / "auto_funreason_multiline.json"
    if not file.is_file():
        pytest.skip(f"no {file}")
    case = json.loads(file.read_text("utf-8"))
    sample = next(s for s in single_turn.samples("parallel") if s.id == case["id"])
    for name in ("qwen3", "deepseek-r1-distill-qwen", "granite-3.3"):
        template = (shared_data / "chat-templates" / f"{name}.jinja").read_text("utf-8")
        assert handlers.choose(ModelInfo("m", chat_template=template))[0] != "funreason"
    handler, _, _ = handlers.fitted("prompt", {}, "upstream", ModelInfo("m"))
    parsed = handler.parse(Generation(case["reply"]), Query(sample.turns[0], sample.tools))
    from harness.benchmarks import bfcl

    assert bfcl.judge(sample.id, parsed.text).outcome == "pass"
