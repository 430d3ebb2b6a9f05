"""Whether a result counts as right: equality, tolerance and the problems with a rule of their own.

Follows `unsafe_execute` in evalplus/eval/__init__.py and evalplus/eval/_special_oracle.py (0.3.1), quirks included:

- Sticky tolerance: from the first expected float (or list of floats) on, later inputs of the same run are compared
  with a tolerance of 1e-6 even where integers are expected; near integers above 10**7 then pass by the relative part.
- Within tolerance the type must be the expected one: `numpy.float64` fails where the equal `float` would do.
- A `numpy.float32` or `numpy.float16` equals what rounds to it (NumPy 2), also in a list: 0.1 in single precision is
  right for 0.1, though no float equals both. As an item of a set or of an array it is compared unrounded.
- HumanEval/32 passes where its polynomial is near zero; evalplus 0.3.1 fails every program there (mended upstream).
- Mbpp/164 passes with any result that is not an exception.
- Mbpp/295 may return 0, Mbpp/558 and Mbpp/581 what another reading of the task gives.
- Eight tasks compare as sets, three only whether there is a result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

from harness.benchmarks.evalplus.data import Problem
from harness.sandbox import values
from harness.sandbox.pool import Result

RELATIVE_TOLERANCE = 1e-7
STICKY_TOLERANCE = 1e-6

_SET_NAMES = {
    "similar_elements",
    "find_char_long",
    "common_in_nested_lists",
    "extract_singly",
    "larg_nnum",
    "intersection_array",
    "find_dissimilar",
    "Diff",
}
_POLYNOMIAL = ("humaneval", "find_zero")
_PRESENCE_NAMES = {"check_str", "text_match_three", "text_starta_endb"}


def conversion(problem: Problem) -> Literal["value", "set", "present"]:
    """What of a problem's results is compared."""
    if problem.benchmark == "mbpp" and problem.entry_point in _SET_NAMES:
        return "set"
    if problem.benchmark == "mbpp" and problem.entry_point in _PRESENCE_NAMES:
        return "present"
    return "value"


def holds_floats(body: bytes) -> bool:
    """Whether an expected value switches the tolerance on: a float, or a non-empty list or tuple of floats.

    Args:
        body: The value's marshal bytes (type byte, for containers four bytes of length, then nine for each float).
    """
    if body[:1] == b"g":
        return True
    items = body[5:]
    return (
        body[:1] in (b"[", b"(") and len(items) > 0 and len(items) % 9 == 0 and items[::9] == b"g" * (len(items) // 9)
    )


def _near_zero(arguments: Sequence[Any], returned: Any, atol: float) -> bool:
    """HumanEval/32: the polynomial with coefficients `arguments[0]` at the returned point."""
    (coefficients,) = arguments
    powers = (coefficient * math.pow(returned, place) for place, coefficient in enumerate(coefficients))
    return abs(sum(powers)) <= atol


def _upright_pyramid(arguments: Sequence[Any], returned: Any, atol: float) -> bool:
    """Mbpp/581: surface of a square pyramid whose second argument is its height, not its slant height."""
    edge, height = arguments
    slant = math.sqrt((edge / 2) ** 2 + height**2)
    return bool(abs(returned - round(edge**2 + 4 * (edge * slant) / 2)) <= atol)


def _padded_digits(arguments: Sequence[Any], returned: Any, atol: float) -> bool:
    """Mbpp/558: digits are compared in place, the shorter number padded with zeros."""
    width = max(len(str(number)) for number in arguments)
    left, right = (str(number).zfill(width) for number in arguments)
    return bool(returned == sum(abs(int(a) - int(b)) for a, b in zip(left, right, strict=True)))


_ALTERNATIVES: dict[tuple[str, str], Callable[[Sequence[Any], Any, float], bool]] = {
    ("mbpp", "sum_div"): lambda arguments, returned, atol: bool(returned == 0),
    ("mbpp", "surface_Area"): _upright_pyramid,
    ("mbpp", "digit_distance_nums"): _padded_digits,
    _POLYNOMIAL: _near_zero,
}


def wants_values(problem: Problem) -> bool:
    """Whether results are needed as values even where no expected one is a float."""
    return problem.atol != 0 or (problem.benchmark, problem.entry_point) in _ALTERNATIVES


def compares_equal(problem: Problem) -> bool:
    """Whether equality alone makes a result right: everywhere but in HumanEval/32."""
    return (problem.benchmark, problem.entry_point) != _POLYNOMIAL


def is_right(
    problem: Problem, arguments: Sequence[Any], result: Result, expected: Callable[[], Any], atol: float
) -> bool:
    """Judge a result that does not equal the expected value.

    Args:
        problem: The task.
        arguments: What the function was called with.
        result: What came back: a value of any kind, no exception.
        expected: Gives the expected value, or None where it was not kept.
        atol: Tolerance in force at this input, see `tolerances`.

    Returns:
        Whether evalplus counts it as right all the same.
    """
    key = (problem.benchmark, problem.entry_point)
    if key == ("mbpp", "are_equivalent"):
        return True
    try:
        returned = values.decode(result.body)
        if key in _ALTERNATIVES and _ALTERNATIVES[key](arguments, returned, problem.atol):
            return True
        narrow = bool(result.precision) and result.precision in values.NARROW
        if narrow and _equals_rounded(returned, expected(), result.precision):
            return True
        tolerant = atol != 0 and result.kind == "value" and key != _POLYNOMIAL
        return tolerant and _is_close(returned, expected(), atol)
    except (TypeError, ValueError, ArithmeticError):  # Unreadable too: a long value, or none
        return False


def _equals_rounded(returned: Any, expected: Any, precision: str) -> bool:
    """Whether a value with numpy's numbers in it equals another that is rounded to their precision.

    Args:
        returned: Of exact built-in types.
        expected: The same.
        precision: Numpy's letter for the type of the numbers.
    """
    if isinstance(expected, (list, tuple)):
        pairs = zip(returned, expected, strict=False) if type(returned) is type(expected) else ()
        same = type(returned) is type(expected) and len(returned) == len(expected)
        return same and all(_equals_rounded(*pair, precision) for pair in pairs)
    if isinstance(expected, dict):
        same = isinstance(returned, dict) and returned.keys() == expected.keys()
        return same and all(_equals_rounded(returned[key], item, precision) for key, item in expected.items())
    if not isinstance(expected, (int, float, complex)) or not isinstance(returned, (int, float, complex)):
        return bool(returned == expected)
    import numpy

    with numpy.errstate(all="ignore"):
        return bool(returned == expected or numpy.dtype(precision).type(expected).item() == returned)


def _is_close(returned: Any, expected: Any, atol: float) -> bool:
    if type(returned) is not type(expected) or not _holds_numbers(returned):
        return False
    if isinstance(expected, (list, tuple)) and len(returned) != len(expected):
        return False
    import numpy

    with numpy.errstate(all="ignore"):
        return bool(numpy.allclose(returned, expected, rtol=RELATIVE_TOLERANCE, atol=atol))


def _holds_numbers(value: Any) -> bool:
    """Whether numpy can compare a value: it refuses all else too, but needs gigabytes to see that of some texts."""
    if isinstance(value, (list, tuple)):
        return all(map(_holds_numbers, value))
    return isinstance(value, (int, float, complex))


def tolerances(atol: float, floats: Sequence[bool]) -> list[float]:
    """The tolerance in force at each input of a run.

    Args:
        atol: The problem's.
        floats: Whether each expected value switches it on, see `holds_floats`.

    Returns:
        `atol`, or 1e-6 from the first float on where `atol` is 0.
    """
    found, current = [], atol
    for one in floats:
        current = STICKY_TOLERANCE if current == 0 and one else current
        found.append(current)
    return found
