"""What a result depends on: code, versions, machine, data and the checker's own rules."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from harness import machine, plugins
from harness.errors import HarnessError
from harness.types import CodeInfo

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

EARLIER_CHECKERS: Mapping[str, tuple[str, ...]] = {
    "acebench": ("dd187425e83981fc29610fdf3168ef663663a41919851771e0d03739c6f7b490",),
    "bfcl": (
        "3acd26f5720600e757c4ae648bc5514403dd1fed6803c302101d140063982bdc",
        "22d15ac1c5b7e7ada24f9368d5c0e00b522a629a41b6ecc73d8bb91c5666d120",
    ),
    "evalplus": ("4c46636e3c4a7346a392e1a0c3b3fd37c306ae037d0d8e3bf88f6299a84b2366",),
    "examples": ("0a971fa37ce488fb347de44a1e3b63b140a27696a0a78af177847668ce6f76ad",),
}
"""Benchmark -> digests of earlier checkers that judge every item as the installed one does.

BFCL's first and that of the examples counted import lines, which `checker_sha256` leaves out by now; EvalPlus's worded
a message otherwise; the others are from before code was divided anew for sets of one's own. Whoever changes a verdict
empties the entry: else runs that were judged otherwise would pass for comparable."""


@cache
def code() -> CodeInfo:
    """Git commit of the checkout this package runs from (None outside one), whether it is changed, and versions."""
    root = Path(__file__).parents[2]
    top = machine.ask("git", "-C", str(root), "rev-parse", "--show-toplevel")
    inside = top is not None and Path(top) == root
    changes = machine.ask("git", "-C", str(root), "status", "--porcelain", "--untracked-files=no") if inside else None
    return CodeInfo(
        git=machine.ask("git", "-C", str(root), "rev-parse", "HEAD") if inside else None,
        dirty=None if changes is None else bool(changes),
        harness=machine.version("funreason-harness"),
        packages={name: version for name in PACKAGES if (version := machine.version(name))},
    )


def checker_sha256(benchmark: Any) -> str:
    """Digest of the sources of a benchmark plug-in: its package, or its module where it is a single file.

    Python is compared without imports, comments, docstrings and layout: a change of behaviour changes the digest, a
    module that moves does not. Other files of the package count byte by byte.

    Args:
        benchmark: The plug-in; packages that it names in `also_checked_by` count too.

    Returns:
        SHA-256 as hexadecimal digits.
    """
    module = benchmark.__name__ if isinstance(benchmark, type(sys)) else type(benchmark).__module__
    if module.startswith("harness.benchmarks."):
        module = ".".join(module.split(".")[:3])
    also = benchmark.also_checked_by if hasattr(benchmark, "also_checked_by") else ()
    return digest([_sources_sha256(each) for each in (module, *also)]) if also else _sources_sha256(module)


def current_checker(benchmark: str, recorded: str | None) -> str | None:
    """The digest by which a recorded checker is compared.

    Args:
        benchmark: The benchmark's name.
        recorded: Digest of the checker that judged.

    Returns:
        That of the installed checker where the recorded one judges alike (`EARLIER_CHECKERS`), else the recorded one.
    """
    if recorded not in EARLIER_CHECKERS.get(benchmark, ()):
        return recorded
    try:
        return checker_sha256(plugins.load("benchmarks", benchmark))
    except (ImportError, HarnessError):  # a benchmark that is not installed here has no checker of its own
        return recorded


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
    """A module's code without imports, comments, docstrings and layout."""
    tree = ast.parse(source.read_bytes())
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            if isinstance(block := getattr(node, part, None), list):
                kept = [statement for statement in block if not _is_idle(statement)]
                setattr(node, part, kept or [ast.Pass()] if block else [])
    return ast.unparse(tree).encode("utf-8", "surrogatepass")


def _is_idle(node: ast.stmt) -> bool:
    """Whether a statement is an import, or a bare string: a docstring, also of a field."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return text or isinstance(node, ast.Import | ast.ImportFrom)


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
