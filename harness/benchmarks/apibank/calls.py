r"""Reading a call out of a reply, as the official evaluator's patterns read it, in time that grows with the length.

    API-Request: [QueryStock(stock_code='AAPL', date='2022-01-02')]   ->   QueryStock, {"stock_code": "AAPL", ...}

Upstream (`api_call_extraction.py`) takes the first `[name(...)]` of one line, then searches its parameters for
`k='v'`, `k=[v]` or `k=v` and passes over everything else. Its patterns backtrack: 40,000 word characters take a minute.
Here every character is looked at a fixed number of times. Values are text, always; nothing is evaluated.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_OPENING = re.compile(r"\[(\w+)\(")
_CLOSING = ")]"
_NAME = re.compile(r"(\w+)(\s*=\s*)?")
_WORD = re.compile(r"\w+")
_QUOTE = re.compile("['\"]")


class Call(NamedTuple):
    """A call as it was written."""

    name: str
    parameters: dict[str, str]
    """In the order in which the names were first written; the last value of a name."""


def find_call(reply: str) -> Call | None:
    """The first call of a reply.

    Args:
        reply: What the model answered.

    Returns:
        The call; None where no line holds a bracketed call.
    """
    at = 0
    while (opening := _OPENING.search(reply, at)) is not None:
        end = reply.find("\n", opening.end())
        end = len(reply) if end < 0 else end
        closing = reply.rfind(_CLOSING, opening.end(), end)
        if closing >= 0:
            return Call(opening[1], read_parameters(reply[opening.end() : closing]))
        at = end  # no later opening of this line is closed either
    return None


def read_parameters(text: str) -> dict[str, str]:
    """The parameters of a call.

    Args:
        text: What stands between its parentheses, on one line.

    Returns:
        Values by name, as text.
    """
    found: dict[str, str] = {}
    last_quote = max(text.rfind("'"), text.rfind('"'))
    last_bracket = text.rfind("]")
    at = 0
    while (name := _NAME.search(text, at)) is not None:
        at = name.end(1)
        if name[2] is None:
            continue
        start = name.end()
        head = text[start : start + 1]
        if head in ("'", '"') and start + 2 <= last_quote:
            # At least one character, whatever it is, up to the next quote of either kind.
            closing = _QUOTE.search(text, start + 2)
            assert closing is not None
            found[name[1]], at = text[start + 1 : closing.start()], closing.end()
        elif head == "[" and last_bracket > start:
            found[name[1]], at = text[start : last_bracket + 1], last_bracket + 1
        elif word := _WORD.match(text, start):
            found[name[1]], at = word[0], word.end()
    return found
