"""Weights to start from: an induction circuit, so that copying need not be discovered.

Layer 0 has heads that look one token back (by rotary position alone: constant query and key) and write what they saw
to a space of their own; layers 1 and 2 have heads whose query is the current token and whose key is that written
previous token, and which copy the token found. Together they continue a sequence as it continued before.
All other outputs of layers start at zero, and everything is trained.
"""

from __future__ import annotations

import math
from typing import Any

BACK = (1, 1, 1, 2)
"""Distance that each of the first heads of layer 0 looks back."""
MATCH_LAYERS = (1, 2)
FAST_PAIRS = 4
"""Rotary pairs that turn fast enough to tell neighbouring positions apart."""
SLOW_FROM = 6
"""First rotary pair that hardly turns over a prompt's length, so that content can be compared in it."""


def install(model: Any, generator: Any) -> None:
    """Write the circuit into a freshly initialised Qwen2 model.

    Args:
        model: `Qwen2ForCausalLM` with equal numbers of query and key heads.
        generator: torch generator of the random projections.
    """
    import torch

    config = model.config
    size = config.hidden_size // config.num_attention_heads
    frequency = config.rope_parameters["rope_theta"] ** (-torch.arange(size // 2) / (size // 2))
    content = [*range(SLOW_FROM, size // 2), *range(size // 2 + SLOW_FROM, size)]
    heads = sum(back == 1 for back in BACK)

    def basis() -> Any:
        square = torch.randn(config.hidden_size, config.hidden_size, generator=generator)
        return torch.linalg.qr(square)[0]

    read, written, copied = basis(), basis(), basis()
    with torch.no_grad():
        for layer in model.model.layers:  # what random layers write would drown the circuit
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        for head, back in enumerate(BACK):
            rows = slice(head * size, (head + 1) * size)
            attention = model.model.layers[0].self_attn
            for projection in (attention.q_proj, attention.k_proj):
                projection.weight[rows] *= 0.1
            for pair in range(FAST_PAIRS):
                angle = float(frequency[pair]) * back
                attention.q_proj.bias[head * size + pair] = 6.0
                attention.k_proj.bias[head * size + pair] = 6.0 * math.cos(angle)
                attention.k_proj.bias[head * size + size // 2 + pair] = 6.0 * math.sin(angle)
            attention.v_proj.weight[rows] = read[rows]
            attention.o_proj.weight[:, rows] = 0.04 * written[rows].T
        for layer in MATCH_LAYERS:
            attention = model.model.layers[layer].self_attn
            for head in range(heads):
                rows = slice(head * size, (head + 1) * size)
                attention.q_proj.weight[rows] = 0
                attention.k_proj.weight[rows] = 0
                for row in content:
                    attention.q_proj.weight[head * size + row] = 1.7 * read[head * size + row]
                    attention.k_proj.weight[head * size + row] = 1.7 * written[head * size + row]
                attention.v_proj.weight[rows] = copied[rows]
                attention.o_proj.weight[:, rows] = 0.24 * copied[rows].T
