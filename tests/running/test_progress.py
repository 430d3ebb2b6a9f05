from __future__ import annotations

import io
import sys

import pytest

from harness.results.lines import RecordedStep, SampleLine
from harness.results.tally import Tally
from harness.running.progress import Bar, Plain, Silent, progress
from harness.types import Generation, Outcome, Verdict


def line(name: str, outcome: Outcome, fault: str | None = None) -> SampleLine:
    steps = (RecordedStep(0, Generation("a b", completion_tokens=50)),)
    return SampleLine(name, 0, "c", steps, fault, {"c": Verdict(outcome, None if outcome == "pass" else "x")})


def test_lines_say_how_far_it_is() -> None:
    tally, file = Tally({"c": 9}), io.StringIO()
    tally.add(line("old", "pass"))
    plain = Plain(file, every=0)
    plain.begin("toy m", 9, tally)
    tally.add(line("a", "fail"))
    plain.update()
    tally.add(line("b", "unscored", "HTTP 500"))
    plain.end()
    first, second, third = file.getvalue().splitlines()
    assert first == "toy m: 1/9 · accuracy 100.0% · 0 errors"
    assert second.startswith("toy m: 2/9 · accuracy 50.0% · ")
    assert " tokens/s · 0 errors · " in second
    assert second.endswith(" left")
    assert third.startswith("toy m: 3/9 · accuracy 50.0% · ")
    assert " · 1 error · " in third


def test_lines_are_rare_and_nothing_is_said_twice() -> None:
    tally, file = Tally({"c": 9}), io.StringIO()
    plain = Plain(file, every=60)
    plain.begin("toy m", 1, tally)
    plain.update()
    plain.end()
    assert file.getvalue() == "toy m: 0/1 · 0 errors\n"


def test_a_bar_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    tally = Tally({"c": 2})
    bar = Bar()
    bar.begin("toy [red]m[/red]", 2, tally)
    tally.add(line("a", "pass"))
    tally.add(line("b", "pass"))
    bar.update()
    bar.end()
    assert "2/2 · accuracy 100.0%" in file.getvalue()
    assert "[red]m[/red]" in file.getvalue()


@pytest.mark.parametrize(
    ("mode", "terminal", "variables", "expected"),
    [
        ("auto", True, {}, Bar),
        ("auto", False, {}, Plain),
        ("auto", True, {"CI": "true"}, Plain),
        ("auto", True, {"NO_COLOR": "1"}, Plain),
        ("plain", True, {}, Plain),
        ("none", True, {}, Silent),
    ],
)
def test_the_fitting_one(
    mode: str, terminal: bool, variables: dict[str, str], expected: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert isinstance(progress(mode), expected)  # type: ignore[arg-type]
