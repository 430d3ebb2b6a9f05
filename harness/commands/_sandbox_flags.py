"""What the flags of every command that may run a model's programs do."""

from __future__ import annotations


def configure(backend: str, workers: int | None, memory: float) -> None:
    """Let programs run from now on as the flags say; nothing is started yet.

    Args:
        backend: `--sandbox`.
        workers: `--sandbox-workers`.
        memory: `--sandbox-memory`, GiB.

    Raises:
        UsageProblem: No sandbox has this name, or the memory is out of bounds.
    """
    from harness import sandbox
    from harness.flags.fields import settings
    from harness.running.settings import RunSettings
    from harness.sandbox.backends import check_name

    check_name(backend)
    memory = settings(RunSettings)["sandbox_memory"].read(memory)
    sandbox.configure(backend=backend, workers=workers, memory=int(memory * 2**30))
