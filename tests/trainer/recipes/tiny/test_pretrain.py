"""Pre-training goes on after a kill; the model that ships answers in form."""

from __future__ import annotations

import pytest

from harness.errors import UsageProblem
from harness.models import TINY
from trainer.recipes.tiny.tokenizer import build


def test_the_shipped_model_answers_in_form_and_often_right():
    """The floor is below what the card states: it is there to notice a broken file, not to measure."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from trainer.recipes.tiny.pretrain import exact

    model = AutoModelForCausalLM.from_pretrained(TINY, dtype="float32")
    assert exact(model, AutoTokenizer.from_pretrained(TINY), level=1, count=16, seed=5) >= 0.25


def test_a_killed_pretraining_ends_as_an_undisturbed_one(tmp_path, monkeypatch):
    import torch

    from trainer.recipes.tiny import pretrain

    if not hasattr(torch.optim, "Muon"):
        with pytest.raises(UsageProblem, match="torch 2\\.9"):
            pretrain.pretrain(pretrain.Plan(tmp_path), build())
        pytest.skip("torch.optim.Muon came with torch 2.9")
    size = {"steps": 4, "every": 2, "items": 1, "tokens": 400, "hidden": 64, "layers": 3, "heads": 4}
    monkeypatch.setattr(pretrain, "exact", lambda *_, **__: 0.0)  # an untrained model never ends its reply
    tokenizer = build()
    whole = pretrain.pretrain(pretrain.Plan(tmp_path / "whole", **size), tokenizer)
    plain, calls = pretrain.loss_of, iter(range(100))

    def failing(*arguments):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(pretrain, "loss_of", failing)
    plan = pretrain.Plan(tmp_path / "killed", **size)
    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(plan, tokenizer)
    monkeypatch.setattr(pretrain, "loss_of", plain)
    continued = pretrain.pretrain(plan, tokenizer)
    for mine, theirs in zip(whole.parameters(), continued.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
