"""How families of models write calls: one file a dialect, a small entry over the few rules in the private modules.

    >>> load("hermes").read('<tool_call>\\n{"name": "f", "arguments": {"a": 1}}\\n</tool_call>').calls
    (FunctionCall(name='f', arguments={'a': 1}),)

To add one: export `PLUGIN`, a `harness.protocols.Dialect`, from a module here or by an entry point in the group
`harness.dialects`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from harness import plugins
from harness.handlers.dialects._braces import BraceCalls
from harness.handlers.dialects._family import Family, pattern, without_end
from harness.handlers.dialects._json import JsonCalls
from harness.handlers.dialects._named import NamedCalls
from harness.handlers.dialects._python import PythonCalls
from harness.handlers.dialects._tagged import TaggedCalls
from harness.protocols import Dialect
from harness.types import ModelInfo

__all__ = [
    "DEFAULT",
    "BraceCalls",
    "Family",
    "JsonCalls",
    "NamedCalls",
    "PythonCalls",
    "TaggedCalls",
    "choose",
    "families",
    "load",
    "names",
    "pattern",
    "readers",
    "without_end",
]

DEFAULT = "hermes"
"""For models of which nothing says how they write: the format most models were trained on."""
LEFT_OVER = re.compile(r"<[^>\n]+>|\[[A-Z_]+\]|[{}]")
"""What is left beside calls by a dialect that is not the reply's own."""


def names() -> list[str]:
    """All dialects, sorted."""
    return plugins.names("dialects")


def load(name: str) -> Dialect:
    """A dialect by its name or that of a family of models.

    Raises:
        UsageProblem: There is none; near matches are offered.
    """
    dialect: Dialect = plugins.load("dialects", name)
    return dialect


def families() -> dict[str, str]:
    """Families of models and the dialect of each."""
    return {family: name for name in names() for family in (name, *load(name).families)}


def choose(model: ModelInfo) -> tuple[str, str]:
    """Find the dialect that a model writes, for `--dialect auto`.

    Args:
        model: What is known of it before it is loaded.

    Returns:
        The dialect's name and why: where several fit, the one of which most is found in the template.
    """
    fitting = [(reason, name) for name in names() if (reason := load(name).matches(model))]
    if not fitting:
        return DEFAULT, "nothing says how it writes calls; most models write so"
    reason, name = max(fitting, key=_weight)
    return name, reason


def _weight(found: tuple[str, str]) -> tuple[bool, bool, bool, int]:
    """A published name counts most, then the template, the tokenizer and the type; of these, the longer reason."""
    why = found[0]
    return why.startswith("its name"), "template" in why, "tokenizer" in why, len(why)


def readers(replies: Iterable[str]) -> Counter[str]:
    """How many replies each dialect reads whole: what a set of replies is written in.

    Args:
        replies: Raw texts.

    Returns:
        Counts by dialect, those that read none left out; of several that read the same, the default one comes first.
    """
    known = sorted(names(), key=lambda name: (name != DEFAULT, name))
    counts: Counter[str] = Counter(dict.fromkeys(known, 0))
    for text in replies:
        for name in known:
            reply = load(name).read(text)
            counts[name] += bool(reply.calls) and reply.problem is None and not LEFT_OVER.search(reply.text)
    return +counts
