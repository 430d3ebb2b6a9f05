"""Adapters: fresh ones, continued ones, merged ones."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from harness.errors import UsageProblem
from tests.trainer.test_config import invoke
from tests.trainer.worlds import config, log
from trainer.model import merge
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
