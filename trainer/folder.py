"""The output folder of a run: whether it is finished, what can be continued in it, and what a user must be told."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

from harness.errors import DataError, UsageProblem
from harness.models import WEIGHTS
from harness.results.provenance import digest
from trainer.checkpoints import STAGING, STATE, checkpoints
from trainer.config import RunConfig


def state(folder: Path) -> dict[str, Any]:
    """What a checkpoint or a finished model says of its training.

    Raises:
        DataError: It is damaged.
    """
    try:
        return dict(json.loads((folder / STATE).read_bytes()))
    except ValueError as problem:
        raise damaged(folder, problem) from None


def damaged(checkpoint: Path, problem: Exception) -> DataError:
    """The error for a checkpoint that cannot be read."""
    remedy = "Delete it, and the same command continues from the one before it."
    return DataError(f"{checkpoint} is damaged: {problem}", remedy)


def resume_point(config: RunConfig, data_sha256: str, held_out_sha256: str | None = None) -> Path | None:
    """Where a run goes on.

    Args:
        config: The run.
        data_sha256: Digest of its data.
        held_out_sha256: Digest of what is held out, which counts where the run follows its evaluations.

    Returns:
        The output folder itself where the run is finished; else the checkpoint to continue from, or None for a start.

    Raises:
        UsageProblem: The output folder holds a run with other settings or data.
    """
    output = Path(config.output_dir)
    if config.resume_from_checkpoint:
        return Path(config.resume_from_checkpoint)
    if config.overwrite:
        _clear(output)
    if config.overwrite or not config.resume:
        return None
    found = output if _finished(output) else next(reversed(checkpoints(output)), None)
    if found is None:
        return None
    saved = state(found)
    # A setting that is newer than the run had its default.
    known = {each.name: each.default for each in fields(config)} | saved["config"]
    known["data"] = [known["data"]] if isinstance(known["data"], str) else list(known["data"])
    changed = [name for name, value in config.identity().items() if known[name] != value]
    if saved["data"]["sha256"] != data_sha256:
        changed.append("the data itself")
    if config.follows and saved["data"].get("held_out", {}).get("sha256") != held_out_sha256:
        changed.append("the held-out data itself")
    if changed:
        raise UsageProblem(
            f"{output} holds a run with other settings: {', '.join(changed)}",
            "Name another --output-dir, or start anew with --overwrite.",
        )
    return found


def evaluated(config: RunConfig, held_out_sha256: str | None, checkpoint: Path | None) -> dict[str, Any]:
    """What evaluations measure, and since when: those before it measured something else and are no rivals.

    Args:
        config: The run.
        held_out_sha256: Digest of what is held out, where something is.
        checkpoint: Where the run goes on; None for a start.

    Returns:
        `what`, a digest, and `since`, the step after which it is measured.
    """
    what = digest([held_out_sha256, config.eval_tasks, config.eval_limit])[:12]
    saved = state(checkpoint) if checkpoint else {}
    before = saved.get("evaluated", {"what": what, "since": 0})
    return {"what": what, "since": before["since"] if before["what"] == what else saved["step"]}


def _finished(output: Path) -> bool:
    """Whether the model was saved: its `train.json` is written last."""
    return (output / STATE).is_file() and any(any(output.glob(pattern)) for pattern in (*WEIGHTS, "adapter_model.*"))


def _clear(output: Path) -> None:
    """Take away what makes a folder a run's, for `--overwrite`."""
    for path in [*output.glob("checkpoint-*"), output / STAGING]:
        shutil.rmtree(path, ignore_errors=True)
    (output / STATE).unlink(missing_ok=True)
