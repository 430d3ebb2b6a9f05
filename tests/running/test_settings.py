"""The settings of a run: one record makes flags, keys, variables and parameters."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import pytest

import harness
from harness.analysis.comparison import Options
from harness.commands import compare, gate, leaderboard, run, score
from harness.errors import UsageProblem
from harness.flags.fields import settings
from harness.results.tally import RULES
from harness.running.flag_checks import misspelt_variables
from harness.running.plan import RunSpec
from harness.running.settings import SANDBOX, Rules, RunSettings
from harness.types import EngineSettings, Sampling

ROOT = Path(__file__).parents[2]


def asked(**changes: Any) -> RunSettings:
    return RunSettings(**{"model": "tiny", "tasks": "echo"} | changes)


def test_every_setting_has_a_line_of_help() -> None:
    assert [name for name, each in settings(run.Flags).items() if not each.help] == []


def test_the_signature_of_run_is_the_record() -> None:
    parameters = inspect.signature(harness.run).parameters
    assert list(parameters) == [each.name for each in fields(RunSettings)]
    hints = get_type_hints(RunSettings)
    assert {name: each.annotation for name, each in parameters.items()} == {name: hints[name] for name in parameters}
    assert parameters["repeats"].default == 1
    required = [name for name, each in parameters.items() if each.default is inspect.Parameter.empty]
    assert required == ["model", "tasks"]


def test_flags_and_variables_are_those_of_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {param.name for param in run.command.params if isinstance(param, click.Option)}
    refused = {name.lstrip("-").replace("-", "_") for name in run.OFFICIAL}
    assert names - refused == {*settings(run.Flags), "config"}
    assert set(SANDBOX) < {param.name for param in score.command.params}
    monkeypatch.setenv("HARNESS_RUN_BASE_URLS", "http://x/v1")
    monkeypatch.setenv("HARNESS_RUN_BASE_URL", "http://x/v1")
    (warning,) = misspelt_variables(names)
    assert "HARNESS_RUN_BASE_URL sets no flag. Did you mean HARNESS_RUN_BASE_URLS" in warning


def test_the_record_says_all_that_a_run_needs() -> None:
    """What a run is made of is a setting of the same name, or is worked out from others."""
    worked_out = {"settings", "benchmark", "categories", "handler_options", "sampling", "user"}
    known = settings(RunSettings).keys()
    assert {each.name for each in fields(RunSpec)} - known == worked_out
    assert {each.name for each in fields(EngineSettings)} - known == {"options"}
    assert {each.name for each in fields(Sampling)} - known == set()


def test_what_the_record_does_not_give_has_the_default_of_what_is_run() -> None:
    """Defaults are spelt where they are used, too: by callers that need no command line."""
    for record in (RunSpec, EngineSettings):
        for each in fields(record):
            default = getattr(asked(), each.name, None)
            if each.name not in ("model", "settings", "benchmark", "categories") and default not in (None, ()):
                assert default == each.default, each.name


def test_rule_sets_are_those_of_the_tally() -> None:
    assert set(get_args(Rules)) == set(RULES) - {"both"}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"limit": 20}, "20"),
        ({"limit": 0.1}, "0.1"),
        ({"tasks": "a,b"}, ("a,b",)),
        ({"tasks": ["a", "b"]}, ("a", "b")),
        ({"model": Path("folder")}, "folder"),
        ({"output": "folder"}, Path("folder")),
        ({"stop": None}, ()),
        ({"handler": None}, "auto"),
        ({"model_args": {"a": 1}}, {"a": 1}),
        ({"model_args": "a=1"}, ("a=1",)),
        ({"batch_size": 8}, "8"),
        ({"temperature": 1}, 1),
        ({"seed": 0}, 0),
    ],
)
def test_values_are_kept_in_one_form(said: dict[str, Any], kept: Any) -> None:
    assert getattr(asked(**said), next(iter(said))) == kept


@pytest.mark.parametrize(
    "said",
    [
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": "hot"},
        {"top_p": 0},
        {"top_p": 1.5},
        {"max_tokens": 0},
        {"max_tokens": 2.5},
        {"max_tokens": True},
        {"seed": 2**63},
        {"request_timeout": -1.0},
        {"sample_timeout": 0},
        {"gpu_memory_utilization": float("nan")},
        {"sandbox_memory": 0.1},
        {"cost_limit": -1},
        {"repeats": 0},
        {"repeats": 1.5},
        {"concurrency": 0},
        {"dp": 0},
        {"resume": "no"},
        {"overwrite": 1},
        {"limit": True},
        {"device": object()},
        {"stop": {"a": 1}},
        {"stop": [None]},
    ],
)
def test_values_that_no_flag_can_have(said: dict[str, Any]) -> None:
    with pytest.raises(UsageProblem, match=f"--{next(iter(said)).replace('_', '-')} cannot be"):
        asked(**said)


def test_a_value_that_is_none_of_a_few_offers_the_nearest() -> None:
    with pytest.raises(UsageProblem, match=r"unknown --rules 'strct'\nDid you mean strict"):
        asked(rules="strct")
    with pytest.raises(UsageProblem, match=r"--ids: File 'nothing\.txt' does not exist"):
        asked(ids="nothing.txt")


FUNCTIONS = {
    "compare": (compare.command, {"baseline"}),
    "gate": (gate.command, set()),
    "leaderboard": (leaderboard.command, set()),
    "score": (score.command, set()),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_names_and_defaults_of_their_commands(name: str) -> None:
    command, more = FUNCTIONS[name]
    flags = command.make_context(name, [], resilient_parsing=True).params
    parameters = inspect.signature(getattr(harness, name)).parameters
    assert parameters.keys() - more <= flags.keys()
    for parameter in parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            assert (flags[parameter.name] or None) == (parameter.default or None), parameter.name
        assert parameter.kind is not parameter.VAR_KEYWORD
        assert parameter.annotation is not parameter.empty


def test_compare_takes_all_options_of_the_test() -> None:
    parameters = inspect.signature(harness.compare).parameters
    assert {each.name: each.default for each in fields(Options)} == {
        each.name: parameters[each.name].default for each in fields(Options)
    }


SNIPPET = """
from pathlib import Path
from harness import compare, gate, leaderboard, run, score
run("tiny", "simple_python", limit=20, output=Path("x"), model_args={"a": 1}, stop=["x"], rules="strict")[0].folder
score(Path("x"), rules="strict")
compare("a", "b", alpha=0.1)[0].rows
leaderboard("results", views=["v4"])
run(model="tiny", tasks="x", temprature=0.5)
run(model="tiny", tasks="x", temperature="hot")
run(model="tiny", tasks="x", rules="strct")
run(model="tiny", tasks="x", base="y")
run(model="tiny")
compare("a", "b", alfa=0.1)
gate("a", {}, bseline="b")
leaderboard("a", view=["v4"])
score("a", rules="strct")
"""


@pytest.mark.slow
def test_mypy_knows_the_parameters(tmp_path: Path) -> None:
    """Every line from the first misspelt one on is refused, by the name that is wrong."""
    (tmp_path / "snippet.py").write_text(SNIPPET)
    quick = ("--follow-imports=silent", "--config-file=", "--ignore-missing-imports", "--no-error-summary")
    command = [sys.executable, "-m", "mypy", *quick, str(tmp_path / "snippet.py")]
    done = subprocess.run(command, cwd=ROOT, env=None, capture_output=True, text=True)
    found = re.findall(r"snippet\.py:(\d+): error: (.*)", done.stdout)
    first = SNIPPET.splitlines().index('run(model="tiny", tasks="x", temprature=0.5)') + 1
    assert [int(line) for line, _ in found] == list(range(first, len(SNIPPET.splitlines()) + 1)), done.stdout
    for (_, message), name in zip(
        found, ("temprature", "temperature", "rules", "base", "tasks", "alfa", "bseline", "view", "rules"), strict=True
    ):
        assert f'"{name}"' in message
