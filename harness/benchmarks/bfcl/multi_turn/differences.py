"""Where two states of an environment differ, as evidence a person can read.

{"attribute": "root.contents.docs.contents.a.txt", "expected": "file 'Hello'", "got": "absent"}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from operator import attrgetter
from typing import Any

MAX_DIFFERENCES = 10
MAX_DEPTH = 12
MAX_TEXT = 2_000
"""Characters of a text of its own; one inside a list or map gets a tenth."""
_MAX_BITS = 10_000
_ABSENT = object()


def state_differences(expected: Any, got: Any) -> list[dict[str, Any]]:
    """Differing public attributes of two instances of one class.

    Args:
        expected: The ground truth's instance.
        got: The model's instance.

    Returns:
        At most `MAX_DIFFERENCES` maps of `attribute`, `expected` and `got`; empty exactly where upstream's comparison
        finds the states equal.
    """
    own = vars(got)
    read = _reader(tuple(vars(expected)))
    if not _differ(read(got), read(expected)):
        return []
    return _listed((name, value, own[name]) for name, value in vars(expected).items() if name[0] != "_")


def attribute_differences(expected: Mapping[str, Any], got: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same for attributes by name; one that only one side has differs.

    Args:
        expected: The ground truth's.
        got: The model's.

    Returns:
        As `state_differences`.
    """
    return _listed((name, expected.get(name, _ABSENT), got.get(name, _ABSENT)) for name in {**expected, **got})


def _listed(attributes: Iterable[tuple[str, Any, Any]]) -> list[dict[str, Any]]:
    differing = [(name, wanted, value) for name, wanted, value in attributes if _differ(value, wanted)]
    leaves = (leaf for name, wanted, value in differing for leaf in _leaves(name, wanted, value, MAX_DEPTH))
    return list(islice(leaves, MAX_DIFFERENCES))


@cache
def _reader(attributes: tuple[str, ...]) -> Callable[[Any], Any]:
    """Reads all public attributes at once: most states are equal, and this finds it several times faster."""
    public = [name for name in attributes if name[0] != "_"]
    return attrgetter(*public) if public else type


def _differ(got: Any, expected: Any) -> bool:
    try:
        return bool(got != expected)
    except RecursionError:  # only a model that tied its state into a knot gets here
        return True


def _leaves(path: str, expected: Any, got: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The innermost differences; the pair itself where it has no parts in common."""
    parts, others = _parts(expected), _parts(got)
    if depth == 0 or parts is None or others is None or _kind(expected) != _kind(got):
        yield {"attribute": path, "expected": shown(expected), "got": shown(got)}
        return
    for key in [*parts, *(key for key in others if key not in parts)]:
        one, other = parts.get(key, _ABSENT), others.get(key, _ABSENT)
        if _differ(other, one):
            yield from _leaves(f"{path}.{shown(key)}", one, other, depth - 1)


def _kind(value: Any) -> str:
    """Classes by name: `File`, `Directory`, `dict`, ..."""
    return type(value).__name__


def _parts(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return dict(enumerate(value))
    if _kind(value) in ("File", "Directory"):
        return {key: part for key, part in vars(value).items() if key in ("name", "content", "contents")}
    return None


def shown(value: Any, depth: int = 2, longest: int = MAX_TEXT) -> Any:
    """A value as JSON, cut where it is deep or long."""
    if value is _ABSENT:
        return "absent"
    if isinstance(value, str):
        return clipped(value, longest)
    if isinstance(value, bool | float | type(None)):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < _MAX_BITS else f"a number of {value.bit_length()} bits"
    if depth and isinstance(value, dict):
        some = islice(value.items(), MAX_DIFFERENCES)
        return {str(shown(key, 0, MAX_TEXT // 10)): shown(item, depth - 1, MAX_TEXT // 10) for key, item in some}
    if depth and isinstance(value, list | tuple | set):
        return [shown(item, depth - 1, MAX_TEXT // 10) for item in islice(value, MAX_DIFFERENCES)]
    parts = _parts(value)
    if depth and parts is not None:
        return {_kind(value): shown(parts, depth, longest)}
    return f"<{_kind(value)}>"


def clipped(text: str, longest: int = MAX_TEXT) -> str:
    """The text, or its start with a note of its length."""
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"
