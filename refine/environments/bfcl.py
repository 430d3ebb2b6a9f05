"""BFCL's own multi-turn classes, in generated states: for tests and for the method's published setting.

Their tool documents are the benchmark's own, so whatever is trained on them is marked with `benchmark`, and commands
open them with `--benchmark-environments` only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from random import Random
from typing import Any

from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.multi_turn.world import World
from harness.data import datasets
from harness.errors import unknown_name
from harness.types import FunctionCall, Tool
from refine.environments import Outcome, check_options
from refine.environments._bfcl_states import CLASSES, VALUES, generate
from refine.environments._inside import plain

DEEPEST_FOLDER = 8


class BenchmarkClasses:
    """One or several of the eight classes, which then share a world."""

    shows_state = True
    benchmark = "bfcl"
    values = VALUES

    def __init__(self, target: str, options: Mapping[str, Any]) -> None:
        check_options("bfcl", options, {})
        self.name, self._classes = f"bfcl:{target}", tuple(target.split("+"))
        for name in self._classes:
            if name not in CLASSES:
                raise unknown_name("class of BFCL", name, CLASSES)
        described = json.dumps([datasets.sha256("bfcl"), self._classes, _states_digest()])
        self.digest = hashlib.sha256(described.encode()).hexdigest()

    def tools(self) -> tuple[Tool, ...]:
        """The documents of the classes, in the benchmark's order."""
        return tuple(document for name in self._classes for document in data.function_docs(name))

    def fresh(self, seed: int) -> BenchmarkWorld:
        """Instances in a state of our own."""
        draw = Random(seed)
        return BenchmarkWorld(self._classes, {name: generate(name, draw) for name in self._classes})

    def close(self) -> None:
        """Nothing is held."""


class BenchmarkWorld:
    """Instances of the classes.

    Args:
        classes: Their names.
        config: A generated initial configuration by class.
    """

    def __init__(self, classes: tuple[str, ...], config: Mapping[str, Any]) -> None:
        self._classes = classes
        self._world = World.of({"id": "synthesised_0", "initial_config": config, "involved_classes": list(classes)})

    def execute(self, call: FunctionCall) -> Outcome:
        """Carry out a call through the benchmark's allow-list."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items())
        text = self._world.execute(f"{call.name}({arguments})")
        return Outcome(text, _is_error(text))

    def state(self) -> Any:
        """The attributes of all instances by class."""
        return {name: _snapshot(self._world.instance(name)) for name in self._classes}

    def close(self) -> None:
        """Nothing is held."""


def _is_error(text: str) -> bool:
    """Whether a result is an error in one of the ways of these classes: `{"error": ...}`, also alone in a list."""
    if text.startswith(("Error during execution", "[{'error':")):
        return True
    try:
        result = json.loads(text)
    except ValueError:
        return False
    return isinstance(result, dict) and bool(result.get("error"))


def _snapshot(instance: Any) -> Any:
    """Attributes as JSON values; what describes the class or holds a folder's parent is no state."""
    kept = {name: value for name, value in vars(instance).items() if name not in ("_api_description", "parent")}
    return {name: _snapshot_value(value) for name, value in kept.items()}


def _snapshot_value(value: Any, depth: int = 0) -> Any:
    if type(value).__name__ == "Directory":
        if depth > DEEPEST_FOLDER:  # a folder that was copied into itself
            return "..."
        return {name: _snapshot_value(item, depth + 1) for name, item in value.contents.items()}
    if type(value).__name__ == "File":
        return value.content
    return plain(value)


def _states_digest() -> str:
    from pathlib import Path

    return hashlib.sha256(Path(__file__).with_name("_bfcl_states.py").read_bytes()).hexdigest()


class _Bfcl:
    name = "bfcl"

    def open(self, target: str, options: Mapping[str, Any]) -> BenchmarkClasses:
        """Open `CLASS` or `CLASS+CLASS`."""
        return BenchmarkClasses(target, options)


PLUGIN = _Bfcl()
