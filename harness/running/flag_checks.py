"""Values of flags that are read as more than one type, and variables that set none."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from harness.errors import UsageProblem, unknown_name


def batch_size(value: Any) -> int | None:
    """`auto` as None, or a number."""
    text = str(value)
    if text != "auto" and not (text.isdecimal() and int(text)):
        raise UsageProblem(f"--batch-size {text!r} is not a size", "Give auto or a number.")
    return None if text == "auto" else int(text)


def misspelt_variables(known: Iterable[str | None]) -> list[str]:
    """A warning for each environment variable that looks like a default of a flag and is none.

    Args:
        known: Names of all flags, with `_`.

    Returns:
        The warnings.
    """
    prefix = "HARNESS_RUN_"
    names = {f"{prefix}{name.upper()}" for name in known if name}
    strangers = sorted(name for name in os.environ if name.startswith(prefix) and name not in names)
    hints = (unknown_name("variable", name, names).remedy for name in strangers)
    return [f"warning: {name} sets no flag. {hint}" for name, hint in zip(strangers, hints, strict=True)]


def fault_limit(text: str, n: int) -> float:
    """How many faults are still no failure.

    Args:
        text: A count (`5`) or a fraction of all items (`0.01`).
        n: All items.

    Returns:
        The number.

    Raises:
        UsageProblem: It is neither.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not value >= 0 or ("." in text and value > 1):
        raise UsageProblem(f"--fail-on-error {text!r} is not a limit", "Give a count (5) or a fraction (0.01).")
    return value * n if "." in text else value
