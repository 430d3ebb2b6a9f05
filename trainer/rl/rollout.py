"""Replies to sample from: the `hf` engine's decode loop over the model in training.

A question's prompt is computed once for its whole group. Each generation starts with an empty cache, because the
weights have changed; each reply has a random stream of its own, made of the seed, the question, its place and the step,
so that a resumed run draws what an undisturbed one would have drawn.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from harness.engines.hf import lent
from harness.types import EngineSettings, RequestKey, Sampling
from trainer.rl.config import RLConfig
from trainer.rl.items import Item


class Slots:
    """Generates in this process.

    Args:
        tokenizer: The model's.
        config: Temperature, length, seed and batch size.
    """

    def __init__(self, tokenizer: Any, config: RLConfig) -> None:
        self.tokenizer = tokenizer
        self.settings = EngineSettings(config.model, batch_size=config.rollout_batch_size)
        self.sampling = Sampling(config.temperature, config.top_p, config.max_completion_length, config.seed)

    def __call__(self, model: Any, asked: Sequence[tuple[int, Item]], step: int) -> list[list[int]]:
        """Reply to questions.

        Args:
            model: Whole on this rank, wrapped by nothing but PEFT.
            asked: Place of the reply among all of its step, and the question.
            step: Of the optimizer.

        Returns:
            Tokens of each reply, with the one that ends it.
        """
        keys = [RequestKey(item.example.id, place, step) for place, item in asked]
        prompts = {key: item.prompt for key, (_, item) in zip(keys, asked, strict=True)}
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        with lent(inner, self.tokenizer, self.settings) as session:
            replies = session.continue_tokens(prompts, self.sampling)
        return [replies[key] for key in keys]


class Whole:
    """A copy of a model that is sharded over ranks, on each of them, for generation.

    Args:
        model: Before it is sharded.
    """

    def __init__(self, model: Any) -> None:
        self.copy = copy.deepcopy(model).requires_grad_(False)

    @torch.no_grad()
    def refreshed(self, sharded: Any) -> Any:
        """The copy with the present weights; all ranks have to ask for it.

        Args:
            sharded: The model under FSDP2.

        Returns:
            The copy.
        """
        own = dict(self.copy.named_parameters())
        for name, shard in sharded.named_parameters():
            whole = shard.full_tensor() if hasattr(shard, "full_tensor") else shard
            own[name.replace("_checkpoint_wrapped_module.", "")].copy_(whole)
        return self.copy
