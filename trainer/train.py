"""The training loop is transformers'; this module gives it the loss, exact denominators and checkpoints that survive.

It is the only subclass of `transformers.Trainer` in the project.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate import PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch import Tensor

from harness.errors import RunIncomplete, UsageProblem
from harness.files import write_atomic
from trainer import probe
from trainer.collate import labels
from trainer.losses import Loss, Parts, Totals
from trainer.losses.fused import linear_cross_entropy
from trainer.losses.regions import MEANS
from trainer.losses.regions import totals as count

STAGING = ".saving"
"""Checkpoints are written here and renamed when they are whole."""
STATE = "train.json"
"""What a checkpoint and a finished model say of their training."""
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


class RegionTrainer(transformers.Trainer):
    """Weighs regions with denominators counted over all micro-batches and ranks of an optimizer step.

    Args:
        loss: How regions are weighed.
        about: Goes into `train.json` of every checkpoint.
        **settings: As of `transformers.Trainer`.
    """

    def __init__(self, *, loss: Loss, about: dict[str, Any], **settings: Any) -> None:
        super().__init__(**settings)
        self.region_loss = loss
        self.about = about
        self.loss_is_scaled_for_ga = True  # the weights divide by the whole step's counts
        self._totals = Totals(0, 0, 0)
        self._parts = torch.zeros(2, dtype=torch.float64)
        self._logged: dict[str, float] = {}
        self._staging = False
        self._probed = False

    def create_accelerator_and_postprocess(self) -> None:
        """Shard on CPU, too: accelerate knows FSDP on GPUs only, and would quietly make replicas of gloo's ranks."""
        super().create_accelerator_and_postprocess()
        state = self.accelerator.state
        if self.args.fsdp and state.distributed_type is DistributedType.MULTI_CPU:
            plugin = FullyShardedDataParallelPlugin(**self.args.fsdp_plugin_args)
            if state.mixed_precision != "no":
                plugin.set_mixed_precision(state.mixed_precision)
            state.fsdp_plugin = plugin
            state.distributed_type = PartialState().distributed_type = DistributedType.FSDP
            self.is_fsdp_enabled = True

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `write_state` wrote: what the loss has learnt, and the parts of the last step."""
        self.region_loss.restore(state["loss_state"])
        self._logged = dict(state["parts"])

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        """Train for an epoch, unless the last step has been taken: transformers would take one more."""
        if self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
            return
        super()._run_epoch(*args, **kwargs)

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

    @property
    def _output(self) -> Path:
        return Path(str(self.args.output_dir))

    def _get_output_dir(self, trial: Any) -> str:
        """Where checkpoints are written: aside while one is being saved."""
        return str(self._output / STAGING) if self._staging else str(self._output)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Save as transformers does, but let the checkpoint appear only when it is whole.

        Args:
            model: As transformers passes it.
            trial: As transformers passes it.
        """
        name = f"checkpoint-{self.state.global_step}"
        staged, final = self._output / STAGING / name, self._output / name
        self._staging = True
        try:
            super()._save_checkpoint(model, trial)
        finally:
            self._staging = False
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            self.write_state(staged)
            _sync(staged)
            shutil.rmtree(final, ignore_errors=True)
            os.replace(staged, final)
            for old in checkpoints(self._output)[: -(self.args.save_total_limit or 10**9)]:
                shutil.rmtree(old)
        self.accelerator.wait_for_everyone()

    def write_state(self, folder: Path) -> None:
        """Write `train.json`: what was trained on what, how far, and what the loss has learnt."""
        state = self.about | {
            "ranks": self.accelerator.num_processes,
            "sharded": self.is_fsdp_enabled,
            "step": self.state.global_step,
            "epoch": self.state.epoch,
            "parts": self._logged,
            "loss_state": self.region_loss.state(),
        }
        write_atomic(folder / STATE, json.dumps(state, indent=2).encode())


def _sync(folder: Path) -> None:
    """Bring a folder's files to the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first; what a kill left in the staging folder is none."""
    found = [path for path in folder.glob("checkpoint-*") if (path / STATE).is_file()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))
