"""This machine: its cache folder, whether the network may be used, its processors, memory and GPUs."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

TRUE = {"1", "true", "yes", "on"}
PROJECT = "funreason-harness"
_NAME = re.compile(r"[\w.-]+")


def cache_root() -> Path:
    """The cache folder: `HARNESS_CACHE`, else the user's cache directory."""
    if own := os.environ.get("HARNESS_CACHE"):
        return Path(own)
    import platformdirs

    return Path(platformdirs.user_cache_dir("funreason-harness"))


def is_offline(flag: bool = False) -> bool:
    """Whether the network is forbidden by a flag, `HARNESS_OFFLINE` or `HF_HUB_OFFLINE`."""
    return flag or any(os.environ.get(name, "").lower() in TRUE for name in ("HARNESS_OFFLINE", "HF_HUB_OFFLINE"))


def ask(*command: str) -> str | None:
    """Output of a command, or None where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def version(distribution: str) -> str | None:
    """Version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def install(extra: str) -> str:
    """The command that adds what an extra of this package brings and this machine lacks.

    It names the packages themselves: this one is on no index, so `pip install NAME[extra]` would not find it.

    Args:
        extra: As in pyproject.toml.

    Returns:
        A line for a shell.
    """
    try:
        brought = list(_brought(extra))
    except metadata.PackageNotFoundError:  # sources on the path, never installed
        return f"pip install '.[{extra}]' in the folder of this package's pyproject.toml"
    lacking = [need for need in brought if version(_NAME.match(need)[0]) is None]  # type: ignore[index]
    return " ".join(["pip install", *(f"'{need}'" for need in lacking or brought)])


def _brought(extra: str) -> Iterator[str]:
    for line in metadata.requires(PROJECT) or ():
        need, _, marker = line.partition(";")
        if f'extra == "{extra}"' not in marker.replace("'", '"'):
            continue
        if inner := re.fullmatch(rf"{PROJECT}\[(.+)\]", need.strip()):
            for other in inner[1].split(","):
                yield from _brought(other.strip())
        else:
            yield need.strip()


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Bytes of physical memory; 0 on Windows, which does not say without another package."""
    if not hasattr(os, "sysconf"):
        return 0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@cache
def bfloat16_gain() -> float:
    """How many times as fast this processor multiplies matrices in bfloat16 as in float32, by measurement (0.2 s).

    Processor time counts, and both kinds take turns: other programs must not look like a faster or slower unit.
    """
    import torch

    best = dict.fromkeys((torch.float32, torch.bfloat16), float("inf"))
    for _ in range(10):
        for dtype in best:
            left, right = torch.ones(64, 1024, dtype=dtype), torch.ones(1024, 1024, dtype=dtype)
            began = time.process_time()
            for _ in range(4):
                torch.mm(left, right)
            best[dtype] = min(best[dtype], time.process_time() - began)
    return best[torch.float32] / best[torch.bfloat16]


@cache
def description() -> Mapping[str, Any]:
    """What explains timings and numerical differences, as JSON values."""
    query = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    gpus = ask(*query) if shutil.which("nvidia-smi") else None
    return {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cpu": _cpu(),
        "cores": cores(),
        "memory_gb": round(memory() / 2**30, 1),
        "gpus": tuple(gpus.splitlines()) if gpus else (),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
