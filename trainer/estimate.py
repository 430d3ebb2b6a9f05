"""How long a run is and what memory and compute it takes, from the model's config and the tokenised data."""

from __future__ import annotations

import math
from typing import Any

import torch
import transformers

from trainer.config import TrainConfig
from trainer.losses.fused import CHUNK
from trainer.monotony import warning
from trainer.run import encode, load_tokenizer, small_files

GIB = 2**30


def estimate(config: TrainConfig, devices: int) -> dict[str, Any]:
    """Plan a run.

    Args:
        config: The run.
        devices: Ranks that will train.

    Returns:
        Counts of the data, tokens by region, rows, steps, parameters, the compute of all devices, and memory on each
        device by cause, with their sum.
    """
    tokenizer = load_tokenizer(config)
    corpus, rows = encode(config, tokenizer)
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps * devices
    an_epoch = math.ceil(len(rows) / batch)
    steps = config.max_steps if config.max_steps > 0 else math.ceil(an_epoch * config.num_train_epochs)
    described = small_files(transformers.AutoConfig, config)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(described, trust_remote_code=config.trust_remote_code)
    longest = int(rows.lengths.max())
    a_step = round(int(rows.lengths.sum()) / len(rows) * batch)
    parts = memory(config, described, model.num_parameters(), longest * config.per_device_train_batch_size, devices)
    return {
        "data": {name: count for name, count in corpus.counts.items() if count},
        "tokens": corpus.tokens,
        "rows": len(rows),
        "longest row": longest,
        "steps": steps,
        "tokens a step": a_step,
        "parameters": model.num_parameters(),
        "compute, PFLOP": float(f"{compute(config, model.num_parameters(), steps * a_step) / 1e15:.4g}"),
        "memory of a device, GiB": {name: round(size / GIB, 3) for name, size in parts.items()}
        | {"sum": round(sum(parts.values()) / GIB, 3)},
    } | ({"warning": told} if (told := warning(corpus.records, tokenizer, config.loss)) else {})


def compute(config: TrainConfig, parameters: int, tokens: int) -> float:
    """Floating-point operations of a run's matrix products, without attention's, which grow with the rows' length.

    Args:
        config: Adapter, checkpointing.
        parameters: Of the model.
        tokens: Of all steps.

    Returns:
        Two a parameter and token for the forward pass, two for gradients of activations, two for gradients of weights
        that are trained, and two for the second forward pass under checkpointing.
    """
    passes = 2 + (not config.use_peft) + config.gradient_checkpointing
    return 2.0 * passes * parameters * tokens


def memory(config: TrainConfig, model: Any, parameters: int, tokens: int, devices: int) -> dict[str, float]:
    """Bytes on one device at the peak of a step, by cause. An estimate: kernels and fragmentation come on top.

    Args:
        config: Types, adapter, sharding, checkpointing.
        model: The model's config.
        parameters: Of the model.
        tokens: Of the largest micro-batch.
        devices: Ranks; under FSDP they share what belongs to the weights.

    Returns:
        Bytes of weights, gradients, optimizer state, activations and loss.
    """
    wide = 4 if config.dtype == "float32" else 2
    narrow = 2 if config.bf16 or wide == 2 else 4
    shards = devices if config.fsdp or config.deepspeed else 1
    hidden, layers = model.hidden_size, model.num_hidden_layers
    trained = parameters if not config.use_peft else 2 * config.lora_r * 7 * hidden * layers
    # Kept for the backward pass of a layer: norms, q/k/v, attention's output, and the three of a gated feed-forward.
    layer = narrow * tokens * (8 * hidden + 4 * getattr(model, "intermediate_size", 4 * hidden))
    kept = layers * narrow * tokens * hidden + layer if config.gradient_checkpointing else layers * layer
    head = model.vocab_size * hidden
    loss = 4 * CHUNK["cpu" if config.use_cpu else "cuda"] + 3 * wide * tokens * hidden
    return {
        "weights": wide * parameters / shards + (narrow * parameters / layers if config.bf16 else 0),
        "gradients": wide * trained / shards,
        "optimizer": 2 * wide * trained / shards,
        "activations": kept,
        "loss": loss + (0 if config.use_peft else 4 * head),
    }
