"""What a model is asked: EvalPlus's instruction and the problem's prompt in a code block.

The sentence is read from the installed evalplus package (`instruction_prefix` in its codegen.py) without importing
it. EvalPlus puts the answer's first words into the model's mouth, so its models cannot think; here the reply is free,
and a handler may force it to begin with thinking.
"""

from __future__ import annotations

import ast
import importlib.util
from functools import cache
from pathlib import Path

from harness import machine
from harness.benchmarks.evalplus.data import Problem
from harness.errors import UsageProblem

_VARIABLE = "instruction_prefix"


@cache
def instruction() -> str:
    """EvalPlus's request for a program.

    Raises:
        UsageProblem: The package is missing, or no longer holds the sentence.
    """
    package = importlib.util.find_spec("evalplus")
    if package is None or not package.submodule_search_locations:
        raise UsageProblem("the package evalplus is not installed", f"Run: {machine.install('code')}")
    file = Path(package.submodule_search_locations[0], "codegen.py")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and _is_named(node.targets[0]):
            return str(node.value.value)
    raise UsageProblem(f"{file} holds no {_VARIABLE}", "Install evalplus 0.3.1.")


def _is_named(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == _VARIABLE


def message(problem: Problem) -> str:
    """The user message for a problem, as EvalPlus's local engines write it."""
    return f"{instruction()}\n```\n{problem.prompt.strip()}\n```\n"
