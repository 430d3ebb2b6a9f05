"""Settings of an experiment: as flags of its command, and as what its folder is held to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from harness.errors import UsageProblem
from harness.files import write_atomic


def flags(sizes: type, *without: str) -> Callable[[Any], Any]:
    """Give a command one flag for each size.

    Args:
        sizes: A data class whose fields have defaults.
        *without: Fields that the command spells out itself.

    Returns:
        A decorator; a flag that is not given is None.
    """

    def sized(command: Any) -> Any:
        for each in reversed([each for each in fields(sizes) if each.name not in without]):
            flag = f"--{each.name.replace('_', '-')}"
            command = click.option(flag, type=type(each.default), help=f"[default: {each.default}]")(command)
        return command

    return sized


def claim(path: Path, identity: Mapping[str, Any]) -> None:
    """Write down of which experiment a folder is, or hold it to what is written there.

    Args:
        path: The file that says so.
        identity: What may not change, as JSON values.

    Raises:
        UsageProblem: The folder holds another experiment.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(identity, indent=1).encode())
    elif (old := json.loads(path.read_text("utf-8"))) != identity:
        raise UsageProblem(
            f"{path.parent} holds an experiment with another {differing(old, identity)}", "Give a new --output."
        )


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Names of the settings in which two identities differ."""
    return ", ".join(sorted(name for name in {*one, *other} if one.get(name) != other.get(name)))
