"""Strict rules: the program of a reply as a person would put it together, beside EvalPlus's own."""

from __future__ import annotations

import ast
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.api import run
from harness.benchmarks.evalplus import data, lenient
from harness.cli import cli

from .test_sanitize import reply

pytest.importorskip("evalplus", reason="evalplus is not installed")
PROBLEM = data.Problem(
    benchmark="humaneval",
    task_id="HumanEval/0",
    prompt="from typing import List\nimport math\n\ndef half(x):\n    return x / 2\n\n"
    "def f(x: List) -> int:\n    'Do.'\n",
    entry_point="f",
    reference="",
    base=(),
    plus=(),
    atol=0,
)
CASES = {
    "the question's imports and helpers": (
        "```python\ndef f(x: List):\n    return math.floor(half(x))\n```",
        "from typing import List\nimport math\ndef half(x):\n    return x / 2\n"
        "def f(x: List):\n    return math.floor(half(x))",
    ),
    "imports from a block of their own": (
        "First:\n```python\nimport re\nfrom os import (\n    path,\n)\n```\n"
        "Then:\n```py\ndef f(x):\n    return re.x\n```",
        "import re\nfrom os import (\n    path,\n)\ndef f(x):\n    return re.x",
    ),
    "imports between prose": (
        "You need\nimport re\nfor this.\nHere it is, from start to end:\ndef f(x):\n    return re.x\nDone!",
        "import re\ndef f(x):\n    return re.x",
    ),
    "helpers from a block of their own": (
        "```\ndef g(x):\n    print(x)\n```\n```python\ndef f(x):\n    g(x)\n    return 1\n```",
        "def g(x):\n    print(x)\ndef f(x):\n    g(x)\n    return 1",
    ),
    "decorators, generators and tables": (
        "```python\nfrom __future__ import annotations\nimport functools\n@functools.cache\ndef g(x):\n    yield x\n"
        "T = []\nT += [1]\nfor i in range(3):\n    T.append(i)\n@functools.cache\ndef f(x):\n    return T\n```",
        "import functools\n@functools.cache\ndef g(x):\n    yield x\nT = []\n"
        "T += [1]\nfor i in range(3):\n    T.append(i)\n@functools.cache\ndef f(x):\n    return T",
    ),
    "no trying out": (
        "```python\nimport sys\nsys.setrecursionlimit(9999)\ndef f(x):\n    return x\nassert f(1) == 2\n"
        "result = f(input())\n"
        "for i in range(3):\n    print(i)\nif __name__ == '__main__':\n    f(0)\nunittest.main()\n'text'\n```",
        "import sys\nsys.setrecursionlimit(9999)\ndef f(x):\n    return x",
    ),
    "the longest of several answers": (
        "```python\ndef f(x):\n    return 1\n```\n```python\ndef f(x):\n    x += 1\n    return x\n```\n"
        "```python\nf(1)\n```",
        "def f(x):\n    x += 1\n    return x",
    ),
    "an answer that was cut off": (
        "```python\ndef f(x):\n    return 1\n\ndef g(x):\n    return (1,",
        "def f(x):\n    return 1",
    ),
    "a fence in a docstring": (
        'def f(x):\n    """\n    ```python\n    f(1)\n    ```\n    """\n    return 1',
        'def f(x):\n    """\n    ```python\n    f(1)\n    ```\n    """\n    return 1',
    ),
    "other languages and indented blocks": (
        "```bash\npip install x\n```\n1. So:\n   ```python\n   def f(x):\n       return 1\n   ```\n~~~json\n[1]\n~~~",
        "def f(x):\n    return 1",
    ),
    "statements on one line": (
        "```python\nimport re; import os\ndef f(x): return 1\nx = 1; y = 2\n```",
        "import re; import os\ndef f(x): return 1\nx = 1; y = 2",
    ),
}
BROUGHT = "from typing import List\nimport math\ndef half(x):\n    return x / 2\n"


@pytest.mark.parametrize("name", CASES)
def test_a_program_is_put_together(name: str) -> None:
    text, expected = CASES[name]
    future = "from __future__ import annotations\n" if "__future__" in text else ""
    brought = "" if expected.startswith(BROUGHT) else BROUGHT
    assert lenient.program(text, PROBLEM) == future + brought + expected


def test_a_helper_of_the_reply_takes_the_place_of_the_question_s() -> None:
    text = "```python\ndef half(x):\n    return x // 2\ndef f(x):\n    return half(x)\n```"
    assert lenient.program(text, PROBLEM).count("def half") == 1


@pytest.mark.parametrize(
    "text", ["", "\0", "I cannot.", "```python\nx = 1\n```", "```python\n```", "def g(x):\n    return 1"]
)
def test_without_the_function_a_reply_is_read_as_evalplus_does(text: str) -> None:
    assert lenient.program(text, PROBLEM) == lenient.sanitize(text, "f")


@pytest.mark.usefixtures("evalplus_data")
def test_any_reply_has_a_program_and_what_is_put_together_is_one() -> None:
    problems = [*data.problems("humaneval").values(), *data.problems("mbpp").values()]
    for seed in range(300):
        problem = problems[seed * 7919 % len(problems)]
        text = reply(seed, problem)
        found = lenient.program(text, problem)
        if found != lenient.sanitize(text, problem.entry_point):
            ast.parse(found)
            assert problem.entry_point in found


@pytest.mark.parametrize(
    "text",
    [
        "```python\n" + "x = (\n" * 2000 + "\n```",
        "```\n```python\n" * 5000,
        "```python\ndef f(x):\n    return " + "-" * 100_000 + "1\n```",
        "\n".join(f"import this is line {number} of a long explanation." for number in range(4000)),
        "```python\n"
        + "\n".join(f"def g{number}(x):\n    return {number}" for number in range(5000))
        + "\n```\ndef f(x): 1",
    ],
    ids=["open", "fences", "deep", "prose", "many"],
)
def test_long_replies_are_read_in_seconds(text: str) -> None:
    start = time.process_time()
    lenient.program(text, PROBLEM)
    assert time.process_time() - start < 60  # a busy processor takes 13; what grows faster than the text, minutes


@pytest.mark.usefixtures("judging")
def test_both_verdicts_stand_side_by_side(tmp_path: Path) -> None:
    body = data.problem("HumanEval/10").reference.partition("def make_palindrome")[2]
    texts = {
        "HumanEval/10": f"```python\ndef make_palindrome{body}\n```",
        "HumanEval/53": "```python\ndef add(x, y):\n    return x + y\n```",
        "Mbpp/2": "```python\nimport re\n```\n```python\ndef similar_elements(a, b):\n    return 1\n```",
    }
    (tmp_path / "script.json").write_text(json.dumps(texts))
    options = {"engine": "scripted", "model_args": f"script={tmp_path / 'script.json'}", "sample_id": list(texts)}
    (made,) = run(model="m", tasks="humaneval_base,mbpp_base", output=tmp_path / "results", **options)
    result = CliRunner().invoke(cli, ["score", str(made.folder), "--rules", "both", "--json", "--partial"])
    scores = json.loads(result.stdout)
    passed = {rules: scores["scores"][rules]["humaneval"]["passed"] for rules in ("upstream", "strict")}
    assert passed == {"upstream": 1, "strict": 2}
    assert scores["differing"] == {"fail fail -> pass": ["HumanEval/10"]}
