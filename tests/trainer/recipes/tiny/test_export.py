"""The embedded model as it ships: float16, small, and refused where it would be neither."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.tinymodels import make_tiny_qwen2
from trainer.recipes.tiny import export


def test_a_model_is_saved_in_float16_unless_it_is_too_large_or_out_of_range(tmp_path, monkeypatch):
    made = make_tiny_qwen2(tmp_path / "made")
    tokenizer = AutoTokenizer.from_pretrained(made)
    export.export(AutoModelForCausalLM.from_pretrained(made), tokenizer, tmp_path / "out")
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert saved.dtype == torch.float16
    assert not saved.generation_config.do_sample
    assert AutoTokenizer.from_pretrained(tmp_path / "out").encode("Paris") == tokenizer.encode("Paris")
    monkeypatch.setattr(export, "LIMIT", 1000)
    with pytest.raises(ValueError, match="more than 1000"):
        export.export(saved, tokenizer, tmp_path / "large")
    wide = AutoModelForCausalLM.from_pretrained(made)
    wide.lm_head.weight.data[0, 0] = 1e6
    with pytest.raises(ValueError, match="out of float16's range"):
        export.export(wide, tokenizer, tmp_path / "wide")
