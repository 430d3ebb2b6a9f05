"""What a trainer of any kind leaves on the disk: checkpoints that are whole or not there, and `train.json` beside them.

`Staged` goes before a subclass of `transformers.Trainer`, ours or one of a library's.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

from harness.files import write_atomic

STAGING = ".saving"
"""Checkpoints are written here and renamed when they are whole."""
STATE = "train.json"
"""What a checkpoint and a finished model say of their training."""


class Staged:
    """Saves checkpoints aside and renames them when they are whole; takes the last step once; shards on CPU, too."""

    about: dict[str, Any]
    """Goes into `train.json` of every checkpoint."""
    args: Any
    accelerator: Any
    state: Any
    control: Any
    is_fsdp_enabled: bool
    add_callback: Any
    remove_callback: Any
    save_model: Any
    log: Any
    best: dict[str, Any] | None = None
    """Of all evaluations: metric, value, step and checkpoint, which is kept."""
    _load_best_model: Any
    _staging = False

    def learnt(self) -> dict[str, Any]:
        """What a checkpoint must keep besides, for `train.json`."""
        return {}

    def told(self, logs: Mapping[str, float]) -> str:
        """A step's figures for the line on screen."""
        return f"loss {logs['loss']:.4f}"

    def create_accelerator_and_postprocess(self) -> None:
        """Shard on CPU, too: accelerate knows FSDP on GPUs only, and would quietly make replicas of gloo's ranks."""
        super().create_accelerator_and_postprocess()  # type: ignore[misc]
        state = self.accelerator.state
        if self.args.fsdp and state.distributed_type is DistributedType.MULTI_CPU:
            plugin = FullyShardedDataParallelPlugin(**self.args.fsdp_plugin_args)
            if state.mixed_precision != "no":
                plugin.set_mixed_precision(state.mixed_precision)
            state.fsdp_plugin = plugin
            state.distributed_type = PartialState().distributed_type = DistributedType.FSDP
            self.is_fsdp_enabled = True

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        """Train for an epoch, unless the last step has been taken: transformers would take one more."""
        if self.state.global_step >= self.state.max_steps or self.control.should_training_stop:
            self.control.should_training_stop = True
            return
        super()._run_epoch(*args, **kwargs)  # type: ignore[misc]

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
            super()._save_checkpoint(model, trial)  # type: ignore[misc]
        finally:
            self._staging = False
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            self.write_state(staged)
            _sync(staged)
            shutil.rmtree(final, ignore_errors=True)
            os.replace(staged, final)
            for old in checkpoints(self._output)[: -(self.args.save_total_limit or 10**9)]:
                if self.best is None or old.name != self.best["checkpoint"]:
                    shutil.rmtree(old)
        self.accelerator.wait_for_everyone()

    def write_state(self, folder: Path) -> None:
        """Write `train.json`: what was trained on what, how far, and what else was learnt."""
        state = self.about | {
            "ranks": self.accelerator.num_processes,
            "sharded": self.is_fsdp_enabled,
            "step": self.state.global_step,
            "epoch": self.state.epoch,
            **({"best": self.best} if self.best else {}),
            **self.learnt(),
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
