"""This machine: its cache folder, whether the network may be used, its processors, memory and GPUs."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

TRUE = {"1", "true", "yes", "on"}


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


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Bytes of physical memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@cache
def bfloat16_gain() -> float:
    """How many times as fast this processor multiplies matrices in bfloat16 as in float32, by measurement (0.1 s)."""
    import torch

    def seconds(dtype: torch.dtype) -> float:
        left, right = torch.ones(64, 1024, dtype=dtype), torch.ones(1024, 2048, dtype=dtype)
        times = []
        for _ in range(8):
            began = time.perf_counter()
            torch.mm(left, right)
            times.append(time.perf_counter() - began)
        return min(times)

    return seconds(torch.float32) / seconds(torch.bfloat16)


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
