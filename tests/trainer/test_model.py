"""Adapters: fresh ones, continued ones, merged ones."""

from __future__ import annotations

import json
import logging

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from harness.errors import UsageProblem
from tests.trainer.test_config import invoke
from tests.trainer.worlds import config, log
from trainer.model import load_model, merge
from trainer.run import train


def _adapter(tmp_path, **settings):
    given = {"use_peft": True, "learning_rate": 2e-2, "lr_scheduler_type": "constant", "warmup_steps": 0}
    return train(config(tmp_path, **given | {"max_steps": 8, "output_dir": str(tmp_path / "adapter")} | settings))


@pytest.mark.parametrize("flags", [{"use_peft": True}, {}], ids=["--use-peft", "plain"])
def test_an_adapter_is_continued_where_it_ended(tmp_path, flags):
    first = log(_adapter(tmp_path))
    more = config(tmp_path, model=str(tmp_path / "adapter"), max_steps=2, output_dir=str(tmp_path / "more"), **flags)
    output = train(more)
    (start, _) = log(output)
    assert first[-1]["loss"] < first[0]["loss"] - 0.5
    assert start["loss"] == pytest.approx(first[-1]["loss"], abs=0.3)
    own = json.loads((output / "adapter_config.json").read_text())
    assert own["base_model_name_or_path"] == str(tmp_path / "model")
    assert json.loads((output / "train.json").read_text())["adapter"]["from"] == str(tmp_path / "adapter")


@pytest.mark.parametrize("modules", ["lm_head", "embed_tokens,lm_head"])
def test_modules_beside_the_adapter_are_trained_whole_and_saved(tmp_path, modules):
    adapter = _adapter(tmp_path, modules_to_save=modules, max_steps=4)
    plain = _adapter(tmp_path, max_steps=4, output_dir=str(tmp_path / "plain"))
    assert log(adapter)[0]["loss"] == pytest.approx(log(plain)[0]["loss"], abs=1e-6)
    assert log(adapter)[-1]["loss"] < log(plain)[-1]["loss"] - 0.1
    base, saved = load_file(tmp_path / "model" / "model.safetensors"), load_file(adapter / "adapter_model.safetensors")
    for module in modules.split(","):
        (name,) = (name for name in saved if f".{module}." in name and "lora" not in name)
        before = base["lm_head.weight" if module == "lm_head" else "model.embed_tokens.weight"]
        assert saved[name].shape == before.shape
        assert not torch.allclose(saved[name], before)
    more = config(tmp_path, model=str(adapter), max_steps=1, output_dir=str(tmp_path / "more"))
    assert log(train(more))[0]["loss"] < log(adapter)[-1]["loss"] + 0.1


@pytest.mark.parametrize("kind", [{}, {"bnb_4bit_quant_type": "fp4", "use_bnb_nested_quant": True}], ids=str)
def test_an_adapter_is_trained_on_weights_of_four_bits(tmp_path, kind):
    bitsandbytes = pytest.importorskip("bitsandbytes")
    settings = config(tmp_path, use_peft=True, load_in_4bit=True, **kind)
    quantised = [each for each in load_model(settings).modules() if isinstance(each, bitsandbytes.nn.Linear4bit)]
    assert len(quantised) == 2 * 7
    plain = _adapter(tmp_path, max_steps=4)
    held_out = {"eval_fraction": 0.2, "eval_every": 1, "load_in_4bit": True, **kind}
    adapter = _adapter(tmp_path, max_steps=4, output_dir=str(tmp_path / "four"), **held_out)
    assert abs(log(adapter)[0]["loss"] - log(plain)[0]["loss"]) < 0.5
    assert log(adapter)[-1]["loss"] < log(adapter)[0]["loss"] - 0.1
    assert (
        load_file(adapter / "adapter_model.safetensors").keys() == load_file(plain / "adapter_model.safetensors").keys()
    )


def test_bitsandbytes_says_nothing_of_a_kernel_that_is_not_used():
    ops = pytest.importorskip("bitsandbytes.backends.cpu.ops")
    assert not ops.logger.isEnabledFor(logging.WARNING)


def test_no_further_step_leaves_a_continued_adapter_as_it_was(tmp_path):
    adapter = _adapter(tmp_path)
    again = train(config(tmp_path, model=str(adapter), max_steps=0, output_dir=str(tmp_path / "again")))
    before, after = (load_file(folder / "adapter_model.safetensors") for folder in (adapter, again))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_merged_adapter_is_the_model_with_the_adapter_on_top(tmp_path):
    adapter = _adapter(tmp_path)
    result = invoke("merge", str(adapter), "-o", str(tmp_path / "merged"))
    assert result.exit_code == 0, result.output
    trained = config(tmp_path, model=str(adapter), merge_adapter=True, max_steps=0, output_dir=str(tmp_path / "full"))
    ids = torch.arange(12)[None]
    import peft

    base = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    plain = base(ids).logits.detach()
    expected = peft.PeftModel.from_pretrained(base, adapter)(ids).logits
    assert (expected - plain).abs().max() > 0.1
    for folder in (tmp_path / "merged", train(trained)):
        torch.testing.assert_close(
            AutoModelForCausalLM.from_pretrained(folder)(ids).logits, expected, atol=1e-4, rtol=1e-4
        )
        assert (folder / "tokenizer.json").exists()
    assert json.loads((tmp_path / "merged" / "train.json").read_text())["config"]["handler"] == "funreason"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"merge_adapter": True}, "is not an adapter"),
        ({"merge_adapter": True, "use_peft": True, "model": "adapter"}, "trainer merge"),
    ],
)
def test_what_cannot_be_done_with_an_adapter_is_refused(tmp_path, settings, message):
    _adapter(tmp_path, max_steps=1)
    if "model" in settings:
        settings = settings | {"model": str(tmp_path / "adapter")}
    with pytest.raises(UsageProblem, match=message):
        train(config(tmp_path, max_steps=1, **settings))


def test_only_an_adapter_is_merged_and_only_into_a_new_folder(tmp_path):
    adapter = _adapter(tmp_path, max_steps=1)
    with pytest.raises(UsageProblem, match="is not an adapter"):
        merge(str(tmp_path / "model"), tmp_path / "merged")
    with pytest.raises(UsageProblem, match="is not empty"):
        merge(str(adapter), adapter)


def test_generation_stops_at_the_end_of_turn_that_is_trained(tmp_path):
    from transformers import AutoTokenizer, GenerationConfig

    settings = config(tmp_path, max_steps=1)
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    tokenizer.chat_template, tokenizer.eos_token = None, "<|endoftext|>"  # as of a base model
    tokenizer.save_pretrained(settings.model)
    (tmp_path / "model" / "chat_template.jinja").unlink(missing_ok=True)
    for file in ("config.json", "generation_config.json"):
        path = tmp_path / "model" / file
        about = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(about | {"eos_token_id": tokenizer.eos_token_id}))
    output = train(settings)
    trained = AutoTokenizer.from_pretrained(output)
    (stop,) = trained("<|im_end|>", add_special_tokens=False)["input_ids"]
    assert trained.eos_token_id == stop != tokenizer.eos_token_id
    assert trained.chat_template
    for about in (GenerationConfig.from_pretrained(output), AutoModelForCausalLM.from_pretrained(output).config):
        assert stop in (about.eos_token_id if isinstance(about.eos_token_id, list) else [about.eos_token_id])
