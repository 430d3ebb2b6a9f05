"""How likely a text is to a loaded model: one forward pass, no sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


@torch.inference_mode()
def logprobs(model: Any, before: Sequence[int], scored: Sequence[int]) -> tuple[float, ...]:
    """Log-likelihood of each token of a text, given what stands before it.

    Args:
        model: A causal model in evaluation mode.
        before: Tokens before the text; where there are none, the text's first token is given and not scored.
        scored: Tokens of the text.

    Returns:
        Natural logarithms, in float32 whatever the weights are.
    """
    ids = torch.tensor([[*before, *scored]], device=model.device)
    skipped = max(len(before), 1)
    logits = model(input_ids=ids, use_cache=False).logits[0, skipped - 1 : -1].float()
    found = torch.log_softmax(logits, -1).gather(-1, ids[0, skipped:, None]).squeeze(-1)
    return tuple(round(value, 5) for value in found.tolist())
