"""ACEBench: judging by CPU second, and a whole official result folder through the command.

The contract to hold: 8,000 normal items a CPU second, what the official functions do without their spreadsheets.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from harness.benchmarks.acebench import data, judge, judge_agent
from harness.benchmarks.acebench.calls import expected_calls
from harness.benchmarks.acebench.rules import STRICT

ROUNDS = 5
NEEDED = 8_000
"""Normal items a CPU second."""
Reply = tuple[str, str, str]
"""Language, id, text."""


def right(language: str, name: str) -> str:
    """The ground truth as a model could write it."""
    truth, docs = data.answer(language, name)["ground_truth"], data.question(language, name)["function"]
    calls = expected_calls(truth[0] if isinstance(truth, list) else truth, docs, STRICT)
    written = (
        f"{call.name}({', '.join(f'{key}={value!r}' for key, value in call.arguments.items())})" for call in calls
    )
    return f"[{', '.join(written)}]"


def replies(change: Callable[[str], str]) -> list[Reply]:
    """A changed ground truth for every normal item of both languages."""
    return [
        (language, name, change(right(language, name)))
        for language in data.LANGUAGES
        for category in data.NORMAL
        for name in data.questions(language, category)
    ]


KINDS: dict[str, Callable[[str], str]] = {
    "right": lambda text: text,
    "in a fence": lambda text: f"Here it is:\n```python\n{text}\n```",
    "read by the parser": lambda text: text.replace("(", "(*x, ", 1),
    "wrong": lambda text: text.replace("='", "='zzz ", 1).replace("=[", "=[0, ", 1),
    "no call": lambda text: "I cannot help with that.",
}
"""Name -> what is done to the ground truth."""


def rate(judge_one: Callable[..., Any], items: Sequence[tuple[Any, ...]]) -> float:
    """The best number of items a CPU second of some rounds; what is judged before them loads the data."""
    for item in items:
        judge_one(*item)
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for item in items:
            judge_one(*item)
        seconds.append(time.process_time() - began)
    return len(items) / min(seconds)


def main() -> None:
    rows, slow = [], []
    for kind, change in KINDS.items():
        found = replies(change)
        each = rate(judge, found)
        rows.append(("normal", kind, len(found), f"{each:,.0f}"))
        slow += [kind] if each < NEEDED else []
    special = [
        (language, f"{category}_{number}", "There is incorrect value")
        for language in data.LANGUAGES
        for category in data.SPECIAL
        for number in range(50)
    ]
    rows.append(("special", "", len(special), f"{rate(judge, special):,.0f}"))
    agents = [
        (language, name, record["ground_truth"], [str(each) for each in record["mile_stone"]])
        for language in data.LANGUAGES
        for category in data.AGENT
        for name, record in data.answers(language, category).items()
    ]
    rows.append(("agent", "", len(agents), f"{rate(judge_agent, agents):,.0f}"))
    print(tabulate(rows, headers=("items", "reply", "n", "a CPU second"), colalign=("left", "left", "right", "right")))
    folder()
    if slow:
        sys.exit(f"under {NEEDED:,} a CPU second: {', '.join(slow)}")


def folder() -> None:
    """Wall-clock of the command on one model and language."""
    with tempfile.TemporaryDirectory() as where:
        place = Path(where, "result_all", "result_en", "model")
        place.mkdir(parents=True)
        for category in data.CATEGORIES:
            lines = []
            for name, record in data.answers("en", category).items():
                result = record["ground_truth"] if category in data.AGENT else "no"
                result = right("en", name) if category in data.NORMAL else result
                lines.append(json.dumps({"id": name, "result": result, "process": []}))
            (place / f"data_{category}_result.json").write_text("\n".join(lines))
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "harness.cli", "score", "--from-acebench", str(place)],
            check=True,
            capture_output=True,
        )
        print(
            f"\n1,023 items of one model through `harness score --from-acebench`: {time.perf_counter() - began:.2f} s"
        )


if __name__ == "__main__":
    main()
