"""The induction circuit that training starts from."""

from __future__ import annotations

from pathlib import Path

from trainer.recipes.tiny.tokenizer import build


def test_the_induction_circuit_looks_back_and_copies():
    """Untrained, of random tokens said twice, many of the second time are predicted; chance is one in thousands."""
    import torch

    from trainer.recipes.tiny.pretrain import Plan, new_model

    tokenizer = build()
    model = new_model(Plan(Path("unused")), tokenizer).eval()
    said = torch.randint(300, 6000, (4, 30), generator=torch.Generator().manual_seed(0))
    ids = torch.cat([said, said], 1)
    with torch.no_grad():
        predicted = model(input_ids=ids).logits[:, 30:-1].argmax(-1)
    assert (predicted == ids[:, 31:]).float().mean() > 0.2
