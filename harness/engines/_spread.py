"""Copies of an engine, as its options ask for them: in processes of this machine, or on a ray cluster."""

from __future__ import annotations

from dataclasses import replace

from harness.engines._workers import WorkersSession
from harness.errors import UsageProblem, unknown_name
from harness.types import EngineSettings

LAYOUT = ("dp", "runner", "ray_address")
"""Options of an engine that can be copied: how many copies, where they live, and the cluster's address."""
RUNNERS = ("local", "ray")


def spread(engine: str, settings: EngineSettings, gpus: int = 1) -> WorkersSession | None:
    """Copies of an engine where its options ask for them.

    Args:
        engine: The engine's name.
        settings: `options` may hold `dp` (how many), `runner` and `ray_address`.
        gpus: That one copy takes, where there are any.

    Returns:
        A session over the copies; None where one in this process is meant.

    Raises:
        UsageProblem: An option has no meaning, or a copy cannot be opened.
    """
    copies, runner, address = (settings.options.get(name) for name in LAYOUT)
    if copies is not None and (type(copies) is not int or copies < 1):
        raise UsageProblem(f"dp cannot be {copies!r}", "Give a whole number of copies, from 1.")
    if runner not in (None, *RUNNERS):
        raise unknown_name("runner", str(runner), RUNNERS)
    if address is not None and runner != "ray":
        raise UsageProblem("a ray address is given, but not the runner", "Give --runner ray, too.")
    count = copies or 1
    alone = replace(settings, options={k: v for k, v in settings.options.items() if k not in LAYOUT})
    if runner == "ray":
        from harness.engines._ray import Cluster

        return WorkersSession(Cluster(engine, alone, count, gpus, address), count)
    if count == 1:
        return None
    from harness.engines._processes import Processes

    return WorkersSession(Processes(engine, alone, count, gpus), count)
