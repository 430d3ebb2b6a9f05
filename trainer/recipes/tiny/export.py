"""Write the trained model as an ordinary checkpoint folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

LIMIT = 12 * 10**6
"""Bytes: the model ships inside the repository and every wheel."""


def export(model: Any, tokenizer: Any, folder: Path) -> None:
    """Save weights in float16, config, tokenizer and chat template.

    float16 and not bfloat16: at this size its three more bits of precision cost nothing, and no weight is near its
    range.

    Args:
        model: The trained model.
        tokenizer: Its tokenizer.
        folder: Where to; files of the same names are replaced.

    Raises:
        ValueError: The folder would be larger than `LIMIT`, or a weight does not fit into float16.
    """
    import torch

    half = model.to(torch.float16)
    if not all(torch.isfinite(weight).all() for weight in half.parameters()):
        raise ValueError("a weight is out of float16's range")
    half.generation_config.do_sample = False
    half.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > LIMIT:
        raise ValueError(f"{folder} has {size} bytes, more than {LIMIT}")
