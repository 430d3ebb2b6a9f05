"""One refinement on many machines: shards of the source as `ray.data` tasks, each with log files of its own.

Shard k of n refines the examples k, k + n, k + 2n, ... in `OUTPUT/shard-kkk/`. A shard whose worker dies is run again
by ray, on another worker, and goes on from them; the output folder must be one that all workers see. The outputs
are merged in the order of the source and are the bytes that one machine would have written.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import machine
from harness.errors import UsageProblem
from refine.jobs import Job
from refine.ledger import Ledger
from refine.outputs import write_outputs
from refine.run import run_shard


def run_on_ray(
    settings: Job, shards: int, address: str | None = None, work: Callable[..., int] = run_shard
) -> dict[str, int]:
    """Work on a ray cluster.

    Args:
        settings: What to do; input and output are paths that every worker sees.
        shards: How many parts; a few a worker balance the load.
        address: Of the cluster; None starts one on this machine, or joins the one in `RAY_ADDRESS`.
        work: Called on a worker with the settings, the folder of a shard's books, and which of how many shards it is.

    Returns:
        Examples by outcome.

    Raises:
        UsageProblem: ray is not installed, or a cost limit was asked for, which shards cannot share.
    """
    try:
        import ray
    except ImportError:
        raise UsageProblem("--runner ray needs ray", machine.install("ray")) from None
    if settings.cost_limit is not None:
        raise UsageProblem("--cost-limit cannot be held over shards", "Use --runner local, or --limit.")
    with Ledger(settings.output, settings.identity() | {"shards": shards}):
        ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
        try:
            # One row a block: ray schedules, retries and moves whole blocks.
            ray.data.range(shards, override_num_blocks=shards).map(_Shard(settings, shards, work)).materialize()
        finally:
            counts = write_outputs(settings.output)
    return counts


class _Shard:
    """Works on the shard that a row names."""

    def __init__(self, settings: Job, shards: int, work: Callable[..., int]) -> None:
        self.settings, self.shards, self.work = settings, shards, work

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        number = int(row["id"])
        self.work(self.settings, shard_folder(self.settings.output, number), (number, self.shards))
        return row


def shard_folder(output: Path, number: int) -> Path:
    """Where a shard's log files are."""
    return output / f"shard-{number:03d}"
