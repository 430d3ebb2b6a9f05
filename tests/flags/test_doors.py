"""Options, defaults from a file and parameters of a record."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from harness.errors import UsageProblem
from harness.flags.doors import config_option, options, read_file, takes
from harness.flags.fields import FILE
from tests.flags.records import Base


@takes(Base, lacks={"extra": "Only the longer one has it."})
def describe(said: Base) -> str:
    """Say what was said."""
    return f"{said.name} {said.many} {said.tags}"


def invoked(*arguments: str, env: dict[str, str] | None = None, negatable: bool = False) -> Result:
    @click.command(context_settings={"auto_envvar_prefix": "TOY"})
    @options(Base, negatable=negatable)
    @config_option(partial(read_file, Base), type=FILE, help="File.")
    def command(**values: Any) -> Base:
        return Base(**values)

    return CliRunner().invoke(command, arguments, env=env, standalone_mode=False, catch_exceptions=False)


def test_options_say_what_the_fields_say() -> None:
    text = " ".join(invoked("--help").output.split())
    for part in (
        "-n, --name, --called TEXT",
        "What it is called, on two lines.",
        "--many INTEGER RANGE How many. [default: 1; x>=1]",
        "--share FLOAT Of the whole. [default: all]",
        "--tag TEXT Repeated.",
        "--more K=V Pairs.",
        "--switch [auto|on|off] One of three. [default: auto]",
        "--keep / --no-keep On by default. [default: keep]",
        "--force, --mighty Off by default.",
    ):
        assert part in text
    assert "secret" not in text
    assert "--no-force" in invoked("--help", negatable=True).output


def test_a_flag_counts_before_a_variable_before_a_file(tmp_path: Path) -> None:
    file = tmp_path / "toy.yaml"
    file.write_text("called: f\nmany: 2\ntag: [a, 1]\nmore: {x: {y: 2026-01-01}}\nswitch: on\nkeep: no\nmighty: true\n")
    arguments = ("--config", str(file))
    said = invoked(*arguments).return_value
    assert [json.loads(text) for text in said.more] == [{"x": {"y": "2026-01-01"}}]
    from_file = Base("f", 2, None, ("a", "1"), said.more, "on", False, True)
    assert said == from_file
    variables = {"TOY_NAME": "v", "TOY_MANY": "3"}
    assert invoked(*arguments, "--many", "4", env=variables).return_value == replace(from_file, name="v", many=4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("manny: 1", r"unknown setting in .*toy.yaml 'manny'\nDid you mean many"),
        ("many: [1, 2]", r"toy.yaml: many cannot be \[1, 2\]"),
        ("- a", "toy.yaml is not an object of settings"),
        ("a: [", "--config .*toy.yaml is not YAML"),
        ("\0", "toy.yaml is not YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "toy.yaml").write_text(text)
    with pytest.raises(UsageProblem, match=message):
        read_file(Base, tmp_path / "toy.yaml")


def test_a_function_takes_the_fields_by_any_spelling() -> None:
    assert describe("a", 2) == "a 2 ()"
    assert describe(name="a", tags=["x"]) == "a 1 ('x',)"
    assert describe(called="a", tag="x", many=None) == "a 1 ('x',)"  # type: ignore[call-arg]
    assert describe.__doc__ == "Say what was said."


def test_a_function_names_what_it_does_not_have() -> None:
    with pytest.raises(UsageProblem, match=r"unknown keyword of describe\(\) 'manny'\nDid you mean many"):
        describe("a", manny=1)  # type: ignore[call-arg]
    with pytest.raises(UsageProblem, match=r"describe\(\) has no extra\nOnly the longer one"):
        describe("a", extra=1)  # type: ignore[call-arg]
    assert describe("a", extra=None) == "a 1 ()"  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="name"):
        describe()  # type: ignore[call-arg]
