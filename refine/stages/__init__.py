"""The five stages of FCDR in their order (arXiv 2505.20192, section on function call data refinement).

To add one: write a module that exports `STAGE`, a `refine.types.Stage`, and name it in `ORDER`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from harness.errors import UsageProblem, unknown_name
from refine.judge import Question
from refine.repair import REWRITE
from refine.types import Stage

ORDER = ("response", "query", "cot", "arguments", "format")


def load(names: str = "all") -> tuple[Stage, ...]:
    """Stages by name, by number or by range.

    Args:
        names: `all`, `1-3`, or a comma-separated list of names and numbers.

    Returns:
        The stages, in the order of the paper whatever the order of the names.

    Raises:
        UsageProblem: A name or number is unknown.
    """
    chosen: set[str] = set()
    for part in names.split(","):
        first, dash, last = part.strip().partition("-")
        if part.strip() == "all":
            chosen.update(ORDER)
        elif first.isdigit() and (last.isdigit() or not dash):
            low, high = int(first), int(last or first)
            if not 1 <= low <= high <= len(ORDER):
                raise UsageProblem(f"no stages {part!r}", f"Stages are numbered 1 to {len(ORDER)}.")
            chosen.update(ORDER[low - 1 : high])
        elif part.strip() in ORDER:
            chosen.add(part.strip())
        else:
            raise unknown_name("stage", part.strip(), ORDER)
    return tuple(importlib.import_module(f"refine.stages.{name}").STAGE for name in ORDER if name in chosen)


def questions(chain: Iterable[Stage]) -> dict[str, Question]:
    """Every question that stages can put to a judge, by name: their own, and the request for a new answer."""
    return {question.name: question for question in (*(stage.question for stage in chain), REWRITE)}
