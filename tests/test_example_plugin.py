"""The example of a package with plug-ins is installed as a user would and run by its README's commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import machine

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "plugin"
CONTRACTS = """
from harness import plugins
for kind, name in (("benchmarks", "tables"), ("handlers", "lastcall"), ("dialects", "angle")):
    plugin = plugins.load(kind, name)
    assert [member for member in plugins.members(plugins.CONTRACTS[kind]) if not hasattr(plugin, member)] == [], name
handler, dialect = plugins.load("handlers", "lastcall"), plugins.load("dialects", "angle")
from harness.types import FunctionCall, Generation, Query, Reply
reply = Reply("It is a table.", "[table.book(people=4)]")
assert handler.parse(Generation(handler.write(reply).text), Query(())) == reply
calls = (FunctionCall("table.book", {"people": 4, "time": ">>"}), FunctionCall("f", {}))
assert dialect.read(dialect.write(calls)).calls == calls
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example's package; built from a copy, so that no build folder is left beside the source."""
    source, site = tmp_path_factory.mktemp("plugin") / "source", tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, "--target", str(site), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return site


def python(installed: Path, folder: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{installed}", "HARNESS_OFFLINE": "1"}
    environment |= {"HARNESS_CACHE": str(machine.cache_root()), "COLUMNS": "120"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout


def measured(installed: Path, folder: Path, reply: str, *flags: str) -> Any:
    script = folder / "script.json"
    script.write_text(json.dumps({"tables_0": reply, "tables_1": reply, "tables_2": "I do not know."}))
    command = ["run", "--tasks", "tables", "--engine", "scripted", "--model-args", f"script={script}", "--json"]
    (record,) = json.loads(python(installed, folder, "-m", "harness.cli", *command, *flags))
    return record


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize(
    ("reply", "flags"),
    [
        ("[table.book(people=4)]", ("--handler", "prompt")),
        ("Let me see. CALL: [table.book(people=4)]", ("--handler", "lastcall")),
        ('<<{"name": "table_book", "arguments": {"people": 4}}>>', ("--dialect", "angle")),
    ],
)
def test_its_benchmark_is_run_with_its_handler_and_its_dialect(
    installed: Path, tmp_path: Path, reply: str, flags: tuple[str, str]
) -> None:
    record = measured(installed, tmp_path, reply, *flags)
    score = record["scores"]["tables"]
    assert (score["n"], score["judged"], score["passed"]) == (3, 3, 2)
    (folder,) = (tmp_path / "results").glob("*/*/*")
    lines = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    codes = {line["id"]: line["verdicts"]["tables"]["code"] for line in lines}
    assert codes["tables_0"] == "simple_function_checker:missing_optional"
    assert record["benchmark"]["checker_sha256"]


def test_its_plug_ins_keep_their_contracts(installed: Path, tmp_path: Path) -> None:
    python(installed, tmp_path, "-c", CONTRACTS)


@pytest.mark.usefixtures("bfcl_data")
def test_the_commands_of_its_page_run(installed: Path, tmp_path: Path) -> None:
    page = (EXAMPLE / "README.md").read_text()
    block = page.split("```sh\n")[1].split("```")[0]
    install, *commands = block.replace("\\\n", "").splitlines()
    assert install.startswith("pip install --no-deps --no-build-isolation")
    program = tmp_path / "harness"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness.cli "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{installed}", "HARNESS_OFFLINE": "1"}
    environment |= {"HARNESS_CACHE": str(machine.cache_root()), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", "\n".join(commands)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "tables" in done.stdout
