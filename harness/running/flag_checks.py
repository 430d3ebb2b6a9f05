"""Values that no flag can have, wherever they come from: the command line, a file, the environment or a function."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from harness.errors import UsageProblem, unknown_name

NUMBERS: Mapping[str, tuple[type, float, float]] = {
    "temperature": (float, 0, 1e9),
    "top_p": (float, 1e-9, 1),
    "max_tokens": (int, 1, 2**31),
    "seed": (int, -(2**63), 2**63 - 1),
    "sample_timeout": (float, 1e-3, 1e9),
    "request_timeout": (float, 1e-3, 1e9),
    "gpu_memory_utilization": (float, 0, 1),
    "sandbox_memory": (float, 0.25, 2**20),
    "cost_limit": (float, 0, 1e9),
}
"""Flag -> its type, smallest and largest value; held here because pairs, files and functions set them too."""


def flag_of(name: str) -> str:
    """A name as it is typed."""
    return f"--{name.replace('_', '-')}"


def check_numbers(values: Mapping[str, Any]) -> None:
    """Refuse numbers that no model can be asked with.

    Args:
        values: Values by flag; names that are not in `NUMBERS`, and None, pass.

    Raises:
        UsageProblem: One is of another type, or out of its bounds.
    """
    for name in NUMBERS.keys() & values.keys():
        kind, least, most = NUMBERS[name]
        value = values[name]
        fits = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
        if value is not None and not (fits and least <= value <= most):
            article = "a whole number" if kind is int else "a number"
            raise UsageProblem(f"{flag_of(name)} cannot be {value!r}", f"Give {article} from {least:g} to {most:g}.")


def batch_size(value: Any) -> int | None:
    """`auto` as None, or a number."""
    text = str(value)
    if text != "auto" and not (text.isdecimal() and int(text)):
        raise UsageProblem(f"--batch-size {text!r} is no size", "Give auto or a number.")
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
        raise UsageProblem(f"--fail-on-error {text!r} is no limit", "Give a count (5) or a fraction (0.01).")
    return value * n if "." in text else value
