"""What a model is asked: EvalPlus's instruction and the problem's prompt in a code block; of a base model, to go on
with the prompt itself.

The sentence is found by its digest in EvalPlus's `codegen.py`, of the data set `evalplus` (its wheel, whose code is not
run and whose dependencies are not needed) or of the installed package. EvalPlus puts the answer's first words into the
model's mouth, so its models cannot think; here the reply is free, and a handler may force it to begin with thinking.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from harness.benchmarks.evalplus.data import Problem
from harness.data import datasets, pins
from harness.data.sources import TEXTS, pinned, texts_in
from harness.errors import DataError
from harness.types import Opening

_SOURCE = "evalplus"
"""Name of the data set."""
_ENDS = ("\nif __name__", "\nprint(", "\ndef main(", "<|endoftext|>", "</s>", "<|endofmask|>")
_ENDS_OF = {
    "humaneval": ("\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert "),
    "mbpp": ("\nassert", '\n"""'),
}
"""Where evalplus 0.3.1 cuts off what a base model writes (`provider/utility.py`), those that matter most first: some
servers take few. A body is all that HumanEval needs; MBPP's function may come after imports and helpers."""


@cache
def instruction() -> str:
    """EvalPlus's request for a program.

    Raises:
        DataError: It is neither in the cache nor installed.
    """
    ((_, pin),) = pins.dataset(_SOURCE).files.items()
    found = texts_in(_codegen(pin).read_bytes())
    return found[pin.removeprefix(TEXTS)]


def _codegen(pin: str) -> Path:
    try:
        return datasets.path(_SOURCE)
    except DataError:
        for folder in _installed():
            file = folder / "codegen.py"
            if file.is_file() and pinned(file.read_bytes(), pin):
                return file
        raise


def _installed() -> Iterator[Path]:
    package = importlib.util.find_spec("evalplus")
    yield from map(Path, package.submodule_search_locations or () if package else ())


def message(problem: Problem) -> str:
    """The user message for a problem, as EvalPlus's local engines write it."""
    return f"{instruction()}\n```\n{problem.prompt.strip()}\n```\n"


def opening(problem: Problem) -> Opening:
    """The beginning of a problem's program, for a model that continues it, as EvalPlus's `codegen` gives it."""
    return Opening(f"{problem.prompt.strip()}\n", (*_ENDS_OF[problem.benchmark], *_ENDS))
