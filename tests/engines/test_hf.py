"""The transformers engine: the same tokens as plain `generate`, whatever shares the batch."""

from __future__ import annotations

import importlib.util
import random
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Qwen2ForCausalLM

from harness import machine
from harness.chat import render
from harness.engines import _load
from harness.engines._slots import SlotDecoder, cache_argument
from harness.engines._static import StaticDecoder
from harness.engines.hf import PLUGIN, HfSession
from harness.errors import UsageProblem
from harness.types import Completion, EngineSettings, Generation, Prompt, RequestKey, Sampling
from tests.tinymodels import make_tiny_lora, make_tiny_qwen2

CONTEXT = 1024


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen2(tmp_path_factory.mktemp("hf") / "base", context=CONTEXT)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def prompts(count: int, seed: int = 0) -> list[Prompt]:
    """Conversations that share a system prompt, some of them tools too, of very different lengths."""
    pick = random.Random(seed)
    tools = [" ".join(pick.choices(["get", "weather", "(city)", "area", "{}", "[x]"], k=30)) for _ in range(4)]
    words = ["what", "is", "the", "area", "of", "triangle", "with", "base", "ten", "and", "height", "in", "Paris"]
    return [
        Prompt(
            (
                {"role": "system", "content": "Answer with calls only. " + pick.choice(tools)},
                {"role": "user", "content": " ".join(pick.choices(words, k=pick.randint(1, 40)))},
            ),
            prefix="<think>\n" if pick.random() < 0.5 else "",
        )
        for _ in range(count)
    ]


def opened(folder: Path, **settings: Any) -> HfSession:
    return PLUGIN.open(EngineSettings(model=str(folder), **settings))


def answers(session: HfSession, asked: Sequence[Prompt], sampling: Sampling) -> list[Generation]:
    found: dict[int, Generation] = {}
    for index, prompt in enumerate(asked):
        session.submit(RequestKey(str(index), 0, 0), prompt, sampling)
    for completion in drain(session):
        assert completion.generation, completion.fault
        found[int(completion.key.sample_id)] = completion.generation
    return [found[index] for index in range(len(asked))]


def drain(session: HfSession) -> Iterator[Completion]:
    while batch := session.collect():
        yield from batch


def plain(session: HfSession, asked: Iterable[Prompt], limit: int) -> list[Generation]:
    """What `generate` says, one prompt at a time."""
    model, tokenizer = session._decoder.model, session._tokenizer
    found = []
    for prompt in asked:
        ids = tokenizer.encode(render(prompt, tokenizer), add_special_tokens=False)
        out = model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=limit,
            do_sample=False,
            eos_token_id=sorted(session.ends),
            pad_token_id=0,
        )[0, len(ids) :].tolist()
        text = tokenizer.decode(out, skip_special_tokens=True)
        finish = "stop" if out[-1] in session.ends else "length"
        found.append(Generation(text, finish, prompt_tokens=len(ids), completion_tokens=len(out)))
    return found


def said(generations: Iterable[Generation]) -> list[tuple[object, ...]]:
    return [(g.text, g.finish, g.prompt_tokens, g.completion_tokens) for g in generations]


def with_more_ends(session: HfSession) -> HfSession:
    """Random models hardly ever stop by themselves: let common tokens end a turn."""
    session.ends = frozenset(session.ends | set(range(40, 52)))
    return session


@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_greedy_replies_equal_plain_generate(folder: Path, batch_size: int) -> None:
    session = with_more_ends(opened(folder, batch_size=batch_size))
    asked = prompts(120 if batch_size == 7 else 30)
    ours, theirs = answers(session, asked, Sampling(max_tokens=30)), plain(session, asked, 30)
    assert said(ours) == said(theirs)
    assert {g.finish for g in ours} == {"stop", "length"}
    assert len({g.completion_tokens for g in ours}) > 5


@pytest.mark.parametrize("name", ["cache", "past_key_values"])
def test_the_cache_goes_by_the_name_that_the_model_has_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked = prompts(5)
    before = answers(opened(folder), asked, Sampling(max_tokens=9))
    own, known = Qwen2ForCausalLM.forward, cache_argument(Qwen2ForCausalLM)

    def by_cache(self: Any, input_ids: Any = None, cache: Any = None, **others: Any) -> Any:
        return own(self, input_ids, **{known: cache}, **others)

    def by_past_key_values(self: Any, input_ids: Any = None, past_key_values: Any = None, **others: Any) -> Any:
        return own(self, input_ids, **{known: past_key_values}, **others)

    monkeypatch.setattr(Qwen2ForCausalLM, "forward", by_cache if name == "cache" else by_past_key_values)
    session = opened(folder)
    assert cache_argument(session._decoder.model) == name
    assert cache_argument(torch.compile(session._decoder.model)) == name
    assert isinstance(session._decoder, SlotDecoder)
    assert said(answers(session, asked, Sampling(max_tokens=9))) == said(before)


@pytest.mark.parametrize("kind", ["slots", "static", "adapter"])
def test_who_runs_a_model_sees_no_warnings(tmp_path: Path, kind: str) -> None:
    window = {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 0} if kind == "static" else {}
    model = make_tiny_qwen2(tmp_path / "base", **window)
    model = make_tiny_lora(tmp_path / "lora", model) if kind == "adapter" else model
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session = opened(model)
        answers(session, prompts(3), Sampling(max_tokens=3))
    assert isinstance(session._decoder, StaticDecoder if kind == "static" else SlotDecoder)


def test_a_shared_prefix_is_computed_once(folder: Path) -> None:
    session = opened(folder, batch_size=8)
    replies = answers(session, prompts(60), Sampling(max_tokens=3))
    total = sum(g.prompt_tokens for g in replies)
    decoder = session._decoder
    assert decoder.computed_tokens + decoder.reused_tokens == total
    assert decoder.computed_tokens < total / 2


def test_the_next_turn_starts_from_the_last_ones_keys(folder: Path) -> None:
    session = opened(folder, batch_size=2)
    first = Prompt(({"role": "user", "content": "area of a triangle " * 20},))
    [reply] = answers(session, [first], Sampling(max_tokens=8))
    before = session._decoder.computed_tokens
    turns = (*first.messages, {"role": "assistant", "content": "x"}, {"role": "user", "content": "and now?"})
    session.submit(RequestKey("0", 0, 1), Prompt(turns), Sampling(max_tokens=2))
    list(drain(session))
    assert session._decoder.computed_tokens - before < reply.prompt_tokens / 4


def test_prompts_longer_than_the_token_budget_are_computed_in_pieces(folder: Path) -> None:
    asked = prompts(12)
    whole, pieces = opened(folder), opened(folder, options={"token_budget": 17})
    assert said(answers(pieces, asked, Sampling(max_tokens=9))) == said(answers(whole, asked, Sampling(max_tokens=9)))


def test_sampled_replies_do_not_depend_on_the_batch(folder: Path) -> None:
    asked, sampling = prompts(24), Sampling(temperature=0.9, top_p=0.9, max_tokens=16, seed=7)
    alone, together = opened(folder, batch_size=1), opened(folder, batch_size=24)
    ours = said(answers(together, asked, sampling))
    assert ours == said(answers(alone, asked, sampling))
    assert ours != said(answers(together, asked, Sampling(temperature=0.9, top_p=0.9, max_tokens=16, seed=8)))
    assert ours != said(answers(together, asked, Sampling(max_tokens=16)))


def test_repeats_and_steps_draw_differently(folder: Path) -> None:
    session = opened(folder)
    sampling = Sampling(temperature=1.0, max_tokens=12, seed=0)
    keys = [RequestKey("a", 0, 0), RequestKey("a", 1, 0), RequestKey("a", 0, 1), RequestKey("b", 0, 0)]
    for key in keys:
        session.submit(key, prompts(1)[0], sampling)
    texts = {c.generation.text for c in drain(session) if c.generation}
    assert len(texts) == len(keys)


def test_a_model_that_the_slots_do_not_fit_is_served_plainly(tmp_path: Path) -> None:
    folder = make_tiny_qwen2(tmp_path / "sliding", use_sliding_window=True, sliding_window=16, max_window_layers=1)
    session = with_more_ends(opened(folder, batch_size=5))
    assert isinstance(session._decoder, StaticDecoder)
    asked = prompts(12)
    assert said(answers(session, asked, Sampling(max_tokens=12))) == said(plain(session, asked, 12))
    drawn = Sampling(temperature=1.0, max_tokens=12, seed=3)
    alone = said(answers(with_more_ends(opened(folder, batch_size=1)), asked, drawn))
    assert said(answers(session, asked, drawn)) == alone


def test_the_probe_finds_a_model_that_computes_something_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(opened(folder)._decoder, SlotDecoder)
    logits_of = SlotDecoder.logits_of
    monkeypatch.setattr(SlotDecoder, "logits_of", lambda self, ids: logits_of(self, ids) * 1.1)
    assert isinstance(opened(folder)._decoder, StaticDecoder)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError()])
def test_out_of_memory_halves_the_batch_and_resumes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    asked = prompts(40)
    expected = said(answers(opened(folder), asked, Sampling(max_tokens=20)))
    session = opened(folder, batch_size=16)
    forward, calls = session._decoder._forward, 0

    def sometimes(*args: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls in (9, 30):
            raise error
        result: torch.Tensor = forward(*args)
        return result

    monkeypatch.setattr(session._decoder, "_forward", sometimes)
    assert said(answers(session, asked, Sampling(max_tokens=20))) == expected
    assert session._decoder.plan.slots == 4


def test_a_memory_limit_is_kept(folder: Path) -> None:
    session = opened(folder, batch_size=16)
    session._decoder.memory = 4 * 512 * session._decoder._token_bytes
    answers(session, prompts(20), Sampling(max_tokens=5))
    assert session._decoder.plan.slots <= 8


@pytest.mark.parametrize("slots", [1, 3, 64])
def test_one_long_request_gets_the_room_of_all_slots(folder: Path, slots: int) -> None:
    session = opened(folder, batch_size=slots)
    words = "~" * (CONTEXT - 100)
    long = Prompt(({"role": "user", "content": words},))
    # Less than one slot of this length needs: one row may always try.
    session._decoder.memory = 512 * session._decoder._token_bytes
    asked = [*prompts(3), long]
    assert said(answers(session, asked, Sampling(max_tokens=5))) == said(plain(session, asked, 5))
    assert session._decoder.plan.slots == 1
    roomy = opened(folder, batch_size=slots)
    roomy._decoder.memory = 8 * CONTEXT * roomy._decoder._token_bytes
    assert said(answers(roomy, [long], Sampling(max_tokens=5))) == said(plain(roomy, [long], 5))
    assert roomy._decoder.plan.slots == min(slots, 8)


def test_what_does_not_fit_alone_is_a_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened(folder, batch_size=2)

    def never(*_: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")

    monkeypatch.setattr(session._decoder, "_forward", never)
    for index, prompt in enumerate(prompts(3)):
        session.submit(RequestKey(str(index), 0, 0), prompt, Sampling(max_tokens=2))
    faults = [completion.fault for completion in drain(session)]
    assert len(faults) == 3
    assert all(fault and fault.startswith("out of memory") for fault in faults)


@pytest.mark.parametrize(("gain", "dtype", "told"), [(4.5, "auto", True), (0.8, "auto", False), (4.5, "bf16", False)])
def test_float32_stays_the_default_on_a_cpu_that_is_faster_otherwise_and_says_so(
    folder: Path, gain: float, dtype: str, told: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_load, "LARGE", 1)
    monkeypatch.setattr(machine, "bfloat16_gain", lambda: gain)
    session = opened(folder, dtype=dtype, device="cpu")
    assert ("torch.bfloat16" if dtype == "bf16" else "torch.float32") in session.version
    assert ("4.5 times as fast: --dtype bfloat16" in caplog.text) is told


def test_other_errors_are_not_swallowed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened(folder)

    def broken(*_: Any) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(session._decoder, "_forward", broken)
    session.submit(RequestKey("0", 0, 0), prompts(1)[0], Sampling())
    with pytest.raises(RuntimeError, match="mat1"):
        session.collect()


def test_a_prompt_beyond_the_context_is_an_overflow_and_the_context_bounds_the_reply(folder: Path) -> None:
    session = opened(folder)
    ask = lambda length: Prompt(({"role": "user", "content": "~" * length},))  # noqa: E731
    session.submit(RequestKey("long", 0, 0), ask(CONTEXT), Sampling())
    session.submit(RequestKey("fits", 0, 0), ask(CONTEXT - 40), Sampling())
    done = {completion.key.sample_id: completion for completion in drain(session)}
    long = done["long"].generation
    assert long is not None
    assert (long.finish, "prompt exceeds context" in long.text) == ("overflow", True)
    fits = done["fits"].generation
    assert fits
    assert fits.prompt_tokens + fits.completion_tokens == CONTEXT or fits.finish == "stop"


def test_a_prompt_that_cannot_be_rendered_is_a_fault(folder: Path) -> None:
    session = opened(folder, chat_template="{{ raise_exception('roles must alternate') }}")
    session.submit(RequestKey("0", 0, 0), prompts(1)[0], Sampling())
    [completion] = session.collect()
    assert completion.fault == "TemplateError: roles must alternate"
    surrogate = opened(folder)
    surrogate.submit(RequestKey("0", 0, 0), Prompt(({"role": "user", "content": "\ud800"},)), Sampling())
    assert surrogate.collect()[0].fault


def test_stop_strings_end_and_cut_the_reply(folder: Path) -> None:
    session = opened(folder)
    [whole] = answers(session, prompts(1), Sampling(max_tokens=40))
    stop = whole.text[10:13]
    [cut] = answers(session, prompts(1), Sampling(max_tokens=40, stop=("never-said", stop)))
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.finish == "stop"
    assert cut.completion_tokens < whole.completion_tokens


def test_a_template_that_writes_bos_gets_no_second_one(tmp_path: Path) -> None:
    folder = make_tiny_qwen2(tmp_path / "bos")
    session = opened(folder, chat_template="{{ bos_token }}{{ messages[0]['content'] }}")
    session._tokenizer.bos_token = "<|endoftext|>"
    session._tokenizer.add_bos_token = True
    row = session._row(RequestKey("0", 0, 0), Prompt(({"role": "user", "content": "hi"},)), Sampling())
    assert row.prompt.count(session._tokenizer.bos_token_id) == 1


@pytest.mark.parametrize("opened_by", [False, True])
def test_a_text_is_as_likely_as_the_models_own_loss_says(folder: Path, opened_by: bool) -> None:
    session = opened(folder)
    model, tokenizer = session._decoder.model, session._tokenizer
    if opened_by:
        tokenizer.bos_token = "<|endoftext|>"
        tokenizer.add_bos_token = True
    chat = Prompt(({"role": "user", "content": "area of a triangle?"},), scored="half of base times height")
    asked = [Prompt((), scored="what is the area of Paris"), chat, *prompts(3)]
    *scored, _, _, _ = answers(session, asked, Sampling(max_tokens=4))
    for prompt, ours in zip(asked[:2], scored, strict=True):
        before = tokenizer.encode(render(prompt, tokenizer), add_special_tokens=False) if prompt.messages else []
        text = tokenizer.encode(prompt.scored, add_special_tokens=not prompt.messages)
        ids = torch.tensor([before + text])
        labels = torch.tensor([[-100] * len(before) + text])
        with torch.no_grad():
            theirs = model(input_ids=ids, labels=labels).loss.item()
        assert ours.logprobs
        assert len(ours.logprobs) == len(text) - (not before)
        assert -sum(ours.logprobs) / len(ours.logprobs) == pytest.approx(theirs, abs=1e-4)
        assert (ours.text, ours.completion_tokens) == ("", 0)


def test_a_scored_text_beyond_the_context_is_an_overflow(folder: Path) -> None:
    (found,) = answers(opened(folder), [Prompt((), scored="word " * CONTEXT * 2)], Sampling())
    assert found.finish == "overflow"
    assert "text exceeds context" in found.text


def test_an_adapter_is_active(folder: Path, tmp_path: Path) -> None:
    lora = make_tiny_lora(tmp_path / "lora", folder)
    asked = prompts(8)
    base = said(answers(opened(folder), asked, Sampling(max_tokens=8)))
    tuned = said(answers(opened(lora), asked, Sampling(max_tokens=8)))
    assert tuned != base
    assert tuned == said(answers(opened(folder, adapter=str(lora)), asked, Sampling(max_tokens=8)))


def test_an_adapter_that_changes_nothing_is_refused(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    lora = make_tiny_lora(tmp_path / "lora", folder)
    weights = lora / "adapter_model.safetensors"
    save_file({name: torch.zeros_like(value) for name, value in load_file(weights).items()}, weights)
    with pytest.raises(UsageProblem, match="changes nothing"):
        opened(lora)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"options": {"atn_implementation": "sdpa"}}, "Did you mean attn_implementation"),
        ({"base_urls": ("http://localhost",)}, "--engine openai"),
        ({"dtype": "float12"}, "unknown dtype 'float12'"),
        ({"device": "gpu"}, "device 'gpu'"),
        ({"tokenizer": "/no/such/folder"}, "no tokenizer in /no/such/folder"),
    ],
)
def test_settings_that_cannot_be_honoured_are_refused(folder: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        opened(folder, **settings)


def test_attention_that_is_not_there_is_refused_with_a_way_out(folder: Path) -> None:
    with pytest.raises(UsageProblem, match=r"flsh_attention_2'\nDid you mean flash_attention_2"):
        opened(folder, options={"attn_implementation": "flsh_attention_2"})
    if importlib.util.find_spec("flash_attn") or torch.cuda.is_available():
        pytest.skip("this machine may have it")
    with pytest.raises(UsageProblem, match="leave attn_implementation away for sdpa"):
        opened(folder, options={"attn_implementation": "flash_attention_2"})


def test_the_cache_tells_what_it_saved(folder: Path) -> None:
    session = opened(folder)
    found = answers(session, prompts(20), Sampling(max_tokens=2))
    told = [generation.cached_tokens for generation in found]
    assert None not in told
    assert sum(told) == session._decoder.reused_tokens > 0
    assert all(generation.cached_tokens < generation.prompt_tokens for generation in found)


def test_damaged_weights_are_an_error_with_the_path(folder: Path, tmp_path: Path) -> None:
    broken = make_tiny_qwen2(tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UsageProblem, match=f"transformers cannot load {broken}"):
        opened(broken)


def test_nothing_submitted_nothing_collected(folder: Path) -> None:
    session = opened(folder)
    assert session.collect() == []
    session.close()
    session.close()
