"""The rules of the architecture, held by reading the source, and the contracts of every plug-in found."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from harness import plugins
from harness.errors import HarnessError, UsageProblem
from harness.types import (
    EngineSettings,
    Episode,
    Finish,
    Generation,
    ModelInfo,
    NativeCall,
    Prompt,
    Query,
    Reply,
    Sample,
    Step,
    Verdict,
)

ROOT = Path(__file__).parents[1]
PACKAGES = ("harness", "trainer", "refine")
HEAVY = (
    "torch",
    "transformers",
    "vllm",
    "datasets",
    "evalplus",
    "scipy",
    "numpy",
    "jinja2",
    "tree_sitter",
    "rich",
)
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@dataclass(frozen=True)
class Import:
    """A module that another imports."""

    source: str
    target: str
    line: int
    top: bool
    """At module level, so that importing the one imports the other."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> Iterator[Import]:
    source = module_name(path)

    def walk(node: ast.AST, top: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                yield from (Import(source, alias.name, child.lineno, top) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{source}:{child.lineno}: a relative import"
                for alias in child.names:
                    inner = f"{child.module}.{alias.name}"
                    is_module = (ROOT / inner.replace(".", "/")).with_suffix(".py").exists()
                    is_package = (ROOT / inner.replace(".", "/")).is_dir()
                    yield Import(source, inner if is_module or is_package else str(child.module), child.lineno, top)
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, top and not inside)

    yield from walk(ast.parse(path.read_text()), True)


IMPORTS = [found for path in SOURCES for found in imports_of(path)]


def inside(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def breaches(sources: tuple[str, ...], targets: tuple[str, ...]) -> list[str]:
    return [str(found) for found in IMPORTS if inside(found.source, *sources) and inside(found.target, *targets)]


def test_imports_are_found() -> None:
    assert len(SOURCES) > 50
    assert any(found.source == "harness.runner" and found.target == "harness.store" for found in IMPORTS)
    assert any(found.source == "harness.commands.run" and not found.top for found in IMPORTS)


def test_records_and_errors_need_the_standard_library_only() -> None:
    allowed = {*sys.stdlib_module_names, "harness"}
    for found in IMPORTS:
        if found.source in ("harness.types", "harness.errors"):
            assert found.target.split(".")[0] in allowed, found
            assert not inside(found.target, "harness") or found.target in ("harness.types", "harness.errors"), found


def test_benchmarks_know_nothing_of_models_and_runs() -> None:
    runs = ("runner", "plan", "scheduler", "episodes", "judges", "writer", "store", "handlers", "engines", "commands")
    assert breaches(("harness.benchmarks",), tuple(f"harness.{name}" for name in runs)) == []


def test_handlers_and_engines_know_nothing_of_benchmarks() -> None:
    assert breaches(("harness.handlers", "harness.engines"), ("harness.benchmarks", "harness.runner")) == []
    assert breaches(("harness.handlers",), ("harness.engines",)) == []
    assert breaches(("harness.engines",), ("harness.handlers",)) == []


def test_the_three_programs_meet_at_files() -> None:
    assert breaches(("harness",), ("trainer", "refine")) == []
    assert breaches(("trainer",), ("refine",)) == []
    assert breaches(("refine",), ("trainer",)) == []


def test_only_the_sandbox_is_imported_by_those_who_need_it() -> None:
    allowed = ("harness.sandbox", "harness.benchmarks.evalplus", "harness.commands", "harness.doctor")
    found = [
        found for found in IMPORTS if inside(found.target, "harness.sandbox") and not inside(found.source, *allowed)
    ]
    assert [str(each) for each in found] == []


def test_command_modules_import_little() -> None:
    allowed = {*sys.stdlib_module_names, "click"}
    light = ("harness.errors", "harness.types", "harness.cli", "harness.commands", "trainer", "refine")
    for found in IMPORTS:
        if found.top and inside(found.source, *(f"{package}.commands" for package in PACKAGES)):
            assert found.target.split(".")[0] in allowed or inside(found.target, *light), found


def test_nothing_is_unpickled() -> None:
    assert breaches(PACKAGES, ("pickle", "cPickle", "dill", "shelve", "joblib")) == []


def test_every_test_folder_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("program", PACKAGES)
def test_help_loads_nothing_heavy(program: str) -> None:
    code = f"""
import sys
from {program}.cli import main
sys.argv = ["{program}", "--help"]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print("loaded:", *sorted(name for name in {HEAVY!r} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "loaded:"


# Contracts of plug-ins.

TOOL = {
    "name": "math.add",
    "description": "Adds.",
    "parameters": {"type": "dict", "properties": {"a": {"type": "integer", "description": "n"}}, "required": ["a"]},
}
QUERY = Query(({"role": "user", "content": "What is 1 + 1?"},), (TOOL,), instruction="Use tools.")
HOSTILE = (
    "",
    "\x00",
    "\ud800",
    "<think>",
    "</think>" * 3,
    "<think>a</think>",
    "[" * 5000,
    "<tool_call>" * 50,
    "x" * 100_000,
)


@pytest.mark.parametrize("kind", ["benchmarks", "handlers", "engines", "dialects"])
def test_a_plugin_is_called_as_its_module(kind: plugins.Kind) -> None:
    for name in plugins.names(kind):
        assert plugins.load(kind, name).name.replace("-", "_") == name
        assert plugins.load(kind, name.replace("_", "-")) is plugins.load(kind, name)


@pytest.mark.parametrize("name", plugins.names("handlers"))
def test_a_handler_asks_and_reads(name: str) -> None:
    handler = plugins.load("handlers", name)
    assert handler.matches(ModelInfo("m")) is None or isinstance(handler.matches(ModelInfo("m")), str)
    prompt = handler.render(QUERY)
    assert isinstance(prompt, Prompt)
    assert prompt.messages[-1]["content"] == "What is 1 + 1?"
    finishes: tuple[Finish, ...] = ("stop", "length")
    for text in HOSTILE:
        for finish in finishes:
            for calls in (None, (), (NativeCall("f", text),), (NativeCall(text, "{}"),)):
                for reasoning in (None, text):
                    reply = handler.parse(Generation(text, finish, calls, reasoning), QUERY)
                    assert isinstance(reply, Reply)


@pytest.mark.parametrize("name", plugins.names("handlers"))
def test_a_handler_writes_what_it_reads(name: str) -> None:
    handler = plugins.load("handlers", name)
    reply = Reply("It is a sum.", "[math.add(a=1)]")
    written = handler.write(reply)
    prefix = handler.render(QUERY).prefix
    assert written.text.startswith(prefix)
    read = handler.parse(Generation(written.text.removeprefix(prefix)), QUERY)
    assert (read.think, read.text) == (reply.think, reply.text)
    assert written.text[slice(*written.think)].startswith("<think>")
    assert "[math.add(a=1)]" in written.text[slice(*written.answer)]


@pytest.mark.parametrize("name", plugins.names("engines"))
def test_an_engine_refuses_options_it_does_not_know(name: str) -> None:
    settings = EngineSettings("no/such-model", options={"no_such_option": 1}, offline=True)
    with pytest.raises(UsageProblem, match="no_such_option"):
        plugins.load("engines", name).open(settings)


@pytest.mark.parametrize("name", plugins.names("benchmarks"))
def test_a_benchmark_names_its_tasks(name: str) -> None:
    benchmark = plugins.load("benchmarks", name)
    tasks: Mapping[str, Any] = benchmark.tasks()
    leaves = {leaf for group in tasks.values() for leaf in group}
    assert leaves
    assert all(tuple(tasks[leaf]) == (leaf,) for leaf in leaves)
    assert benchmark.version
    assert benchmark.check_workers >= 0


def some_samples(benchmark: Any, category: str) -> list[Sample[Any]]:
    try:
        return list(islice(benchmark.load((category,)), 3))
    except HarnessError as error:
        pytest.skip(str(error).splitlines()[0])


def played(benchmark: Any, sample: Sample[Any], text: str) -> Iterator[tuple[Query, Step]]:
    """Play a sample whose replies are all the same, for ten steps at most."""
    play = benchmark.play(sample, {})
    query = next(play, None)
    for _ in range(10):
        if query is None:
            return
        generation = Generation(text)
        reply = plugins.load("handlers", "prompt").parse(generation, query)
        yield query, Step(query.turn, generation, reply)
        try:
            query = play.send(reply)
        except StopIteration:
            return


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize("name", plugins.names("benchmarks"))
def test_a_benchmark_plays_and_judges(name: str) -> None:
    benchmark = plugins.load("benchmarks", name)
    tasks = benchmark.tasks()
    for category in sorted({leaf for group in tasks.values() for leaf in group}):
        for sample in some_samples(benchmark, category):
            assert sample.category == category
            if sample.after:
                continue
            first = list(played(benchmark, sample, "[f(a=1)]"))
            assert first == list(played(benchmark, sample, "[f(a=1)]")), "a play is pure"
            if benchmark.check_workers:
                continue
            verdicts = benchmark.check(sample, Episode(sample.id, tuple(step for _, step in first)))
            for verdict in verdicts.values():
                assert isinstance(verdict, Verdict)
                assert (verdict.code is None) == (verdict.outcome == "pass")
