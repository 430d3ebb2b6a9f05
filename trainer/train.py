"""The training loop is transformers'; this module gives it the loss and exact denominators."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import torch
import transformers
from torch import Tensor

from harness.errors import RunIncomplete, UsageProblem
from trainer import probe
from trainer.checkpoints import Staged
from trainer.collate import Rows, labels
from trainer.evaluation import in_batches
from trainer.losses import Loss, Parts, Totals
from trainer.losses.fused import linear_cross_entropy
from trainer.losses.regions import MEANS
from trainer.losses.regions import totals as count

PROBED = 256
"""Tokens of the first batch on which the fused loss is compared with the model's own."""


def fuse(model: Any) -> None:
    """Let a causal model return a weighted loss instead of logits when it is given targets.

    The output layer is applied inside the model's own forward pass, where DDP, FSDP and gradient checkpointing expect
    it; without targets the model is as before, so that it can generate and be saved.

    Args:
        model: A model with an output layer, or a PEFT model around one; changed in place.

    Raises:
        UsageProblem: Its output layer is not a plain linear one.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    head, plain = inner.get_output_embeddings(), inner.forward
    if hasattr(head, "modules_to_save"):  # trained whole beside an adapter: the copy that is trained
        head = head.modules_to_save[head.active_adapters[0]]
    if type(head) is not torch.nn.Linear:
        kind = f"{type(head).__module__}.{type(head).__qualname__}"
        raise UsageProblem(
            f"the output layer of {type(inner).__name__} is a {kind}, where the fused loss needs a torch.nn.Linear",
            "Leave the output layer out of the adapter and unquantised.",
        )

    def forward(
        *args: Any,
        targets: Tensor | None = None,
        before: Tensor | None = None,
        weights: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        if targets is None or before is None or weights is None:
            return plain(*args, **kwargs)
        kwargs = {name: kwargs[name] for name in ("input_ids", "position_ids", "attention_mask") if name in kwargs}
        if "attention_mask" in kwargs and inner.config._attn_implementation == "eager":  # it adds what SDPA chooses by
            unseen = ~kwargs["attention_mask"]
            lowest = torch.finfo(inner.dtype).min
            kwargs["attention_mask"] = torch.zeros_like(unseen, dtype=inner.dtype).masked_fill(unseen, lowest)
        hidden = inner.base_model(use_cache=False, **kwargs).last_hidden_state.flatten(0, 1)[before]
        loss, losses = linear_cross_entropy(hidden, head.weight, targets, weights, head.bias)
        return {"loss": loss, "losses": losses}

    inner.forward = forward


class RegionTrainer(Staged, transformers.Trainer):
    """Weighs regions with denominators counted over all micro-batches and ranks of an optimizer step.

    Args:
        loss: How regions are weighed.
        about: Goes into `train.json` of every checkpoint.
        **settings: As of `transformers.Trainer`.
    """

    def __init__(self, *, loss: Loss, about: dict[str, Any], **settings: Any) -> None:
        super().__init__(**settings)
        self.region_loss = loss
        self._start = copy.deepcopy(loss)
        self.about = about
        self.loss_is_scaled_for_ga = True  # the weights divide by the whole step's counts
        self._totals = Totals(0, 0, 0)
        self._parts = torch.zeros(2, dtype=torch.float64)
        self._logged: dict[str, float] = {}
        self._probed = False
        self._held_out: Totals | None = None

    def learnt(self) -> dict[str, Any]:
        """What the loss has learnt, and the parts of the last step."""
        return {"parts": self._logged, "loss_state": self.region_loss.state()}

    def told(self, logs: Mapping[str, float]) -> str:
        """The step's loss by region, and alpha."""
        return (
            f"loss {logs['loss']:.4f} = think {logs['loss_think']:.4f}, result {logs['loss_result']:.4f}, "
            f"alpha {logs['alpha']:.3f}"
        )

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `learnt` told: what the loss has learnt, and the parts of the last step."""
        self.region_loss.restore(state["loss_state"])
        self._logged = dict(state["parts"])

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Tensor:
        """Count the step's regions before its first forward pass, over all ranks."""
        counted = sum((count(labels(batch)[0]) for batch in batch_samples), torch.zeros(3, dtype=torch.float64))
        summed: Tensor = self.accelerator.reduce(counted.to(device), "sum")
        self._totals = Totals(*summed.tolist())
        self._parts = torch.zeros(2, dtype=torch.float64, device=device)
        return summed[0] + summed[1]

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """This micro-batch's part of the step's loss.

        Args:
            model: Wrapped as accelerate wraps it.
            inputs: From a `Collator`.
            return_outputs: Not used: there are no logits.
            num_items_in_batch: Not used: `Totals` says more.

        Returns:
            The part times the number of ranks, because gradients are averaged over ranks afterwards.
        """
        if not self._probed:
            self._probe(model, inputs)
        marked, targets, before = labels(inputs)
        think, result = MEANS[self.region_loss.mean](marked, self._totals)
        alpha = self.region_loss.alpha(self._totals)
        seen = {name: inputs[name] for name in ("position_ids", "attention_mask") if name in inputs}
        weights = (alpha * think + (1 - alpha) * result) * self.accelerator.num_processes
        outputs = model(input_ids=inputs["input_ids"], targets=targets, before=before, weights=weights, **seen)
        losses = outputs["losses"]
        self._parts += torch.stack([(think * losses).sum(), (result * losses).sum()])
        if self.accelerator.sync_gradients and model.training:
            self._finish_step(alpha)
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    @torch.no_grad()
    def measure(self, rows: Rows) -> dict[str, float]:
        """Losses of held-out rows, weighed as the training's are; a learnable alpha counts with its start.

        Args:
            rows: The same on all ranks, which share the work.

        Returns:
            `eval_loss`, and its parts as `eval_loss_think` and `eval_loss_result`.
        """
        size, rank, ranks = self.args.per_device_train_batch_size, self.args.process_index, self.args.world_size
        if self._held_out is None:
            batches = (self.data_collator(part) for part in in_batches(rows, size, 0, 1) if part)
            counted = sum((count(labels(batch)[0]) for batch in batches), torch.zeros(3, dtype=torch.float64))
            self._held_out = Totals(*counted.tolist())
        kept, model = (self._totals, self._parts), self.model_wrapped
        training = model.training
        model.eval()
        self._totals, self._parts = self._held_out, torch.zeros_like(self._parts)
        try:
            for part in in_batches(rows, size, rank, ranks):
                before = self._parts.clone()
                self.compute_loss(model, self._prepare_inputs(self.data_collator(part or list(rows[:1]))))
                self._parts = self._parts if part else before  # a rank without work keeps the others' company
            parts = Parts(*self.accelerator.reduce(self._parts, "sum").tolist())
        finally:
            self._totals, self._parts = kept
            model.train(training)
        alpha = self._start.alpha(self._held_out)
        found = {"eval_loss_think": parts.think, "eval_loss_result": parts.result}
        return {"eval_loss": alpha * parts.think + (1 - alpha) * parts.result, **found}

    @torch.no_grad()
    def _probe(self, model: Any, inputs: dict[str, Any]) -> None:
        """Compare what the first batch gives with what the model gives by itself.

        Raises:
            UsageProblem: They differ.
        """
        self._probed = True
        training = model.training
        model.eval()  # no dropout: both see the same, and no random number is drawn
        exact = next(model.parameters()).dtype == torch.float32 and not self.args.bf16
        name = type(self.accelerator.unwrap_model(model)).__name__
        try:
            probe.head(model, inputs["input_ids"][:1, :PROBED], exact, name)
            if "attention_mask" in inputs:
                probe.branch(model, inputs, exact, name)
        finally:
            model.train(training)

    def _finish_step(self, alpha: float) -> None:
        parts = Parts(*self.accelerator.reduce(self._parts, "sum").tolist())
        if not all(map(math.isfinite, parts)):
            raise RunIncomplete(
                f"the loss of step {self.state.global_step + 1} is {parts.think + parts.result}: weights or gradients "
                "have overflowed",
                "Lower --learning-rate, or train with --dtype float32 or bfloat16; the last checkpoint is kept.",
            )
        self._logged = {"loss_think": parts.think, "loss_result": parts.result, "alpha": alpha}
        self.region_loss.learn(parts)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the last step's parts to a line of the training log."""
        if "loss" in logs:
            logs |= self._logged | {"reply_tokens": self._totals.think + self._totals.result}
        super().log(logs, start_time)
