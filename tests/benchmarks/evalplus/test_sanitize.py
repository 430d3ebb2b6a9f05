"""The program in a reply is the one that EvalPlus's sanitiser finds."""

from __future__ import annotations

import random
import time

import pytest

from harness.benchmarks.evalplus import data
from harness.benchmarks.evalplus.sanitize import sanitize

upstream = pytest.importorskip("evalplus.sanitize", reason="evalplus is not installed")

PIECES = [
    *(
        "Here is the solution:",
        "```python",
        "```",
        "",
        "    ",
        "- bullet",
        "This function returns `x`.",
        "1. First step",
    ),
    *("import math", "from typing import List, Dict", "from __future__ import annotations", "# comment", "return 5"),
    *("@dec\ndef g():\n    return 1", "def helper(x):\n    return x+1", "def helper(x):\n    return 2"),
    *("def noret(x):\n    print(x)", "class A:\n    def m(self):\n        return helper(1)", "raise", "(", "]"),
    *("X = 5", "X += 1", "a, b = 1, 2", "a.b = c", "x: int = 3", "lambda: 3", "é = 'ü'", "    indented = 1"),
    *("try:\n    x = 1", "match x:\n    case 1:\n        y = 2\n    prose", "if True:\n    pass", "else:\n    pass"),
    *("f'{x!}'", "f'''{\n x y}\n'''", "x = (1,\n2", "'''doc", "'open", "\\", "x = 1 \\", "x = {**a, 'b'}"),
    *("async def co():\n    return 1", "print(f(3))", "assert f(1) == 2", "\tтаб = 2", "while x: break"),
    *("for i in range(3):\n    helper(i)", "def f(a=1, b): return 1", "with a as b:\n    pass"),
    *("del (a,\nb)", "print 'x'"),
]


def reply(seed: int, problem: data.Problem) -> str:
    rng = random.Random(seed)
    code = problem.reference if rng.random() < 0.5 else problem.reference.removeprefix(problem.prompt)
    parts = rng.choices(PIECES, k=rng.randint(0, 6))
    parts += ["```python"] * (rng.random() < 0.7) + [code] * (rng.random() < 0.9) + ["```"] * (rng.random() < 0.7)
    parts += [code[: rng.randint(0, len(code))]] * (rng.random() < 0.2) + rng.choices(PIECES, k=rng.randint(0, 5))
    if rng.random() < 0.3:
        rng.shuffle(parts)
    return "\n".join("\n".join(parts).split("\n")[:50])


@pytest.mark.usefixtures("evalplus_data")
def test_programs_equal_evalplus() -> None:
    problems = [*data.problems("humaneval").values(), *data.problems("mbpp").values()]
    for seed in range(300):
        problem = problems[seed * 7919 % len(problems)]
        text = reply(seed, problem)
        assert sanitize(text, problem.entry_point) == upstream.sanitize(text, problem.entry_point), text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\0",
        "def f():\n    return '\ud800'",
        "x = 1\ny = 2\0\ndef f():\n    return 1",
        "(" * 5000,
        "-" * 200_000,
    ],
)
def test_any_text_has_a_program(text: str) -> None:
    assert isinstance(sanitize(text, "f"), str)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"This is line {number} of a long explanation." for number in range(4000)),
        "\n".join(["def f():", "    return (", *["    1,"] * 3000]),
        "x = (\n" * 2000,
        "'''\n" * 2001,
        "[\n" * 3000 + "]\n" * 2999,
        "\n".join(["if x:", "    y = 1", "else"] * 1200),
    ],
    ids=["prose", "unclosed", "open", "quotes", "nested", "blocks"],
)
def test_long_replies_are_read_in_seconds(text: str) -> None:
    start = time.process_time()
    sanitize(text, "f")
    assert time.process_time() - start < 10


def test_a_program_after_long_prose_is_found() -> None:
    prose = [f"Step {number} is not (yet) a program, it's an explanation." for number in range(3000)]
    code = "def f(x):\n    return x"
    assert sanitize("\n".join([*prose, "```python", code, "```", *prose]), "f") == code


def test_quirks() -> None:
    code = "@cached\ndef f():\n    return helper()\ndef helper():\n    return 1\nunused = 2"
    assert sanitize(code, "f") == code  # a decorated entry point is not a definition: nothing is found, all is kept
    code = "from __future__ import annotations\nimport os\ndef f():\n    return 1\nx = 1"
    assert sanitize(code, "f") == "import os\ndef f():\n    return 1"
