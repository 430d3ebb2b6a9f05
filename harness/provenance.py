"""What a result depends on: code, versions, machine, data and the checker's own rules."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import harness

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "vllm",
    "mpmath",
    "numpy",
    "tree-sitter",
    "tree-sitter-java",
    "tree-sitter-javascript",
    "evalplus",
)
"""Distributions that can change a reply or a verdict."""


@cache
def code() -> Mapping[str, Any]:
    """Git commit of the checkout this package runs from (None outside one), whether it is changed, and versions."""
    root = Path(harness.__file__).parent.parent
    top = _ask("git", "-C", str(root), "rev-parse", "--show-toplevel")
    inside = top is not None and Path(top) == root
    changes = _ask("git", "-C", str(root), "status", "--porcelain", "--untracked-files=no") if inside else None
    return {
        "git": _ask("git", "-C", str(root), "rev-parse", "HEAD") if inside else None,
        "dirty": None if changes is None else bool(changes),
        "harness": harness.__version__,
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _ask(*command: str) -> str | None:
    """Output of a command, or None where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@cache
def machine() -> Mapping[str, Any]:
    """The machine, as far as it explains timings and numerical differences."""
    query = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    gpus = _ask(*query) if shutil.which("nvidia-smi") else None
    return {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": gpus.splitlines() if gpus else [],
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def checker_sha256(benchmark: Any) -> str:
    """Digest of the sources of a benchmark plug-in: its package, or its module where it is a single file.

    Python is compared without comments, docstrings and layout, so that only a change of behaviour changes the digest;
    other files of the package count byte by byte.

    Args:
        benchmark: The plug-in; packages that it names in `also_checked_by` count too.

    Returns:
        SHA-256 as hexadecimal digits.
    """
    module = benchmark.__name__ if isinstance(benchmark, type(sys)) else type(benchmark).__module__
    if module.startswith("harness.benchmarks."):
        module = ".".join(module.split(".")[:3])
    also = getattr(benchmark, "also_checked_by", ())
    return digest([_sources_sha256(each) for each in (module, *also)]) if also else _sources_sha256(module)


@cache
def _sources_sha256(module: str) -> str:
    file = import_module(module).__file__
    digest = hashlib.sha256()
    for name, source in _sources(Path(file)) if file else ():
        content = _behaviour(source) if source.suffix == ".py" else source.read_bytes()
        digest.update(json.dumps([name, hashlib.sha256(content).hexdigest()]).encode())
    return digest.hexdigest()


def _sources(file: Path) -> Iterator[tuple[str, Path]]:
    if file.name != "__init__.py":
        yield file.name, file
        return
    for path in sorted(file.parent.rglob("*")):
        if path.is_file() and path.suffix not in (".pyc", ".md"):
            yield path.relative_to(file.parent).as_posix(), path


def _behaviour(source: Path) -> bytes:
    """A module's code without comments, docstrings and layout."""
    tree = ast.parse(source.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return ast.unparse(tree).encode("utf-8", "surrogatepass")


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is a bare string: a docstring, also of a field."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
