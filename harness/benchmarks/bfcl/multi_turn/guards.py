"""What an environment's method may cost, checked before it is called.

The environments are known code: each public method takes time and memory in proportion to its arguments and to the
state, except the ones here. A guard raises with the text that becomes the call's result. Guards see the arguments as
the method will bind them; where they do not fit its signature, the method itself says so.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice
from typing import Any

from harness.benchmarks.bfcl.multi_turn.calls import Refused

MAX_DIGITS = 10_000
"""Decimal places of `logarithm` and `square_root`; the data asks for 20 at most."""
MAX_ENTRIES = 100_000
"""Files and folders a search may visit: copies of a folder share their contents, so paths can grow exponentially."""
MAX_TEXT = 1_000_000
"""Characters of a text that a method builds."""
MAX_QUERY = 5_000
"""Characters of a search in memory; each word is scored against each entry."""

_MAX_BITS = 20_000
_TOO_LONG = (
    "Exceeds the limit (4300 digits) for integer string conversion; "
    "use sys.set_int_max_str_digits() to increase the limit"
)
"""Python's own text when such a number is written out."""
_EXPONENT = re.compile(r"[eE][+-]?\d{5}")


def guarded(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """Put the guard of a bound method, where it has one, before it."""
    guard = _GUARDS.get(name)
    if guard is None:
        return method
    signature = _signature(method.__func__)  # type: ignore[attr-defined]

    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(method.__self__, *args, **kwargs)  # type: ignore[attr-defined]
        except TypeError:
            return method(*args, **kwargs)  # says itself what does not fit
        bound.apply_defaults()
        guard(bound.arguments)
        return method.__func__(*bound.args, **bound.kwargs)  # type: ignore[attr-defined]

    return checked


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


def _power(arguments: dict[str, Any]) -> None:
    base, exponent = arguments["base"], arguments["exponent"]
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(base) > 1 and exponent * base.bit_length() > _MAX_BITS:
        raise ValueError(_TOO_LONG)


def _round(arguments: dict[str, Any]) -> None:
    places = arguments["decimal_places"]
    if isinstance(places, int) and places < -_MAX_BITS:
        arguments["decimal_places"] = -_MAX_BITS  # no number here has as many digits, so the result is the same


def _precision(arguments: dict[str, Any]) -> None:
    try:
        digits = int(arguments["precision"])
    except (TypeError, ValueError, OverflowError):
        return
    if digits > MAX_DIGITS:
        raise Refused(f"more than {MAX_DIGITS} digits are not computed")


def _logarithm(arguments: dict[str, Any]) -> None:
    _precision(arguments)
    for name in ("value", "base"):
        if isinstance(arguments[name], str) and _EXPONENT.search(arguments[name]):
            raise Refused("the exponent is too large")


def _search(arguments: dict[str, Any]) -> None:
    entries = _entries(arguments["self"])
    path = arguments.get("path")
    if len(entries) > MAX_ENTRIES or (isinstance(path, str) and len(path) * len(entries) > MAX_TEXT):
        raise Refused("too many entries")


def _entries(file_system: Any) -> list[Any]:
    """The paths below the root, as many as matter."""
    return list(islice(_walk(file_system.root), MAX_ENTRIES + 1))


def _walk(root: Any) -> Iterable[Any]:
    pending = [root]
    while pending:
        entry = pending.pop()
        yield entry
        pending.extend(getattr(entry, "contents", {}).values())


def _replace(arguments: dict[str, Any]) -> None:
    memory, old, new = arguments["self"].memory, str(arguments["old_text"]), str(arguments["new_text"])
    if len(memory) + memory.count(old) * len(new) > MAX_TEXT:
        raise Refused("the memory would grow too long")


def _query(arguments: dict[str, Any]) -> None:
    if len(str(arguments["query"])) > MAX_QUERY:
        raise Refused("the query is too long")


_GUARDS: dict[str, Callable[[dict[str, Any]], None]] = {
    "power": _power,
    "round_number": _round,
    "square_root": _precision,
    "logarithm": _logarithm,
    "find": _search,
    "du": _search,
    "memory_replace": _replace,
    "core_memory_key_search": _query,
    "archival_memory_key_search": _query,
}


def expanded(value: Any, limit: int) -> int:
    """Characters and items of a value written out, shared parts each time they occur; stops at the limit."""
    size, pending = 0, [value]
    while pending and size <= limit:
        item = pending.pop()
        size += len(item) if isinstance(item, str | bytes) else 1
        if isinstance(item, dict):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set):
            pending += item
    return size
