"""A training as a program of its own: from the command line, over several ranks, or to be killed on the way."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from trainer.config import RunConfig

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}


def flags(settings: RunConfig) -> list[str]:
    """A configuration as flags."""
    found = []
    for name, value in asdict(settings).items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            found.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            for each in value if isinstance(value, tuple) else (value,):
                found += [f"--{flag}", str(each)]
    return found


def torchrun(verb: str, settings: RunConfig) -> None:
    """`trainer VERB` in two processes, with gloo."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, "-m", "trainer.cli", verb, *flags(settings)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def start(target: Callable[..., object], *arguments: object) -> Any:
    """A process from a clean server that has the trainer imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["trainer.run"])
    process = context.Process(target=target, args=arguments)
    process.start()
    return process
