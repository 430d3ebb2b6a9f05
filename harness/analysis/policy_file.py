"""Read policy files so that nothing in them is lost: a key twice, a number written in another way, a file by name."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageProblem, unknown_name
from harness.stats.views import FOLDER

if TYPE_CHECKING:
    import yaml

PREFIX = "gate."
NUMBER = re.compile(r"\s*(?P<sign>-?)(?P<whole>\d+)(?:[.,](?P<rest>\d+))?\s*(?P<percent>%?)\s*")


def shipped_names() -> list[str]:
    """Names of the policies that come with the package."""
    return sorted(path.stem.removeprefix(PREFIX) for path in FOLDER.glob(f"{PREFIX}*.yaml"))


def shipped(path: Path) -> Path:
    """The file that a user means: their own, or a shipped policy by its name.

    Args:
        path: As it was given.

    Returns:
        A file that exists.

    Raises:
        UsageProblem: There is none; near names are offered.
    """
    if path.is_file():
        return path
    if path.name == str(path) and not path.suffix and not path.exists():
        if str(path) in shipped_names():
            return FOLDER / f"{PREFIX}{path}.yaml"
        error = unknown_name("policy", str(path), shipped_names())
        raise UsageProblem(f"{path}: no such file, and {str(error).partition(chr(10))[0]}", error.remedy)
    raise UsageProblem(f"{path}: no such policy file", f"Give a YAML file or one of {', '.join(shipped_names())}.")


def read(path: Path) -> dict[str, Any]:
    """Read a policy file.

    Args:
        path: YAML or JSON.

    Returns:
        Its content.

    Raises:
        UsageProblem: It cannot be read, is not a map, or has a key twice.
    """
    import yaml

    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8-sig"))
        node = loader.get_single_node()
        # Before anything is made of it: YAML would keep the last of two keys, and drop a rule without a word.
        _refuse_twice(node, set())
        document = loader.construct_document(node) if node else None
    except OSError as error:
        raise UsageProblem(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageProblem(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise UsageProblem(f"{path}: a policy is a map of sections", "For example minimum: {simple_python: 0.70}")
    return document


def _refuse_twice(node: yaml.Node | None, visited: set[int]) -> None:
    if node is None or id(node) in visited or isinstance(node.value, str):
        return
    visited.add(id(node))
    seen: dict[str, int] = {}
    for part in node.value:
        key, *values = part if isinstance(part, tuple) else (part,)
        if values and isinstance(key.value, str):
            mark = key.start_mark
            at = f"line {mark.line + 1}, column {mark.column + 1}"
            if key.value in seen:
                raise ValueError(f"{at}: {key.value!r} is there twice, first in line {seen[key.value]}")
            seen[key.value] = mark.line + 1
        for inner in (key, *values):
            _refuse_twice(inner, visited)


def number(value: Any, least: float, most: float, at: str) -> float:
    """A number within limits.

    Args:
        value: As it was read; a text that holds a number counts.
        least: The least that it may be.
        most: The most.
        at: Where it stands, for messages.

    Returns:
        The number.

    Raises:
        UsageProblem: It is not one; what may have been meant is suggested.
    """
    found = value
    if isinstance(value, str):  # YAML takes 1e-3 for a text
        try:
            found = float(value)
        except ValueError:
            found = None
    good = isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
    if not good or not least <= found <= most:
        limits = f"from {least:g} to {most:g}" if math.isfinite(most) else f"of at least {least:g}"
        raise UsageProblem(f"{at} is {value!r}", f"It is a number {limits}.{_meant(value, most)}")
    return float(found)


def _meant(value: Any, most: float) -> str:
    """`70%`, `70` and `0,70` are most likely 0.70."""
    if value is None:
        return " Within {} YAML takes a decimal comma for the end of an entry."
    match = NUMBER.fullmatch(str(value)) if not isinstance(value, bool) else None
    if match is None or match["sign"]:
        return ""
    meant = float(f"{match['whole']}.{match['rest'] or 0}")
    if match["percent"] or (most == 1.0 and 1 < meant <= 100):
        meant /= 100
    decimals = 2 if math.isclose(meant, round(meant, 2)) else 4
    return f" Did you mean {meant:.{decimals}f}?" if meant <= most else ""
