"""The rules of the architecture, held by reading the source, and the contracts of every plug-in found."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import islice
from pathlib import Path
from types import MethodType, NoneType
from typing import Any

import pytest

from harness import plugins
from harness.errors import HarnessError, UsageProblem
from harness.protocols import Session
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
    names: tuple[str, ...] = ()
    """What is taken out of the target."""

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
                    if is_module or is_package:
                        yield Import(source, inner, child.lineno, top)
                    else:
                        yield Import(source, str(child.module), child.lineno, top, (alias.name,))
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
    assert any(
        found.source == "harness.running.runner" and found.target == "harness.results.store" for found in IMPORTS
    )
    assert any(found.source == "harness.commands.run" and not found.top for found in IMPORTS)


def test_records_and_errors_need_the_standard_library_only() -> None:
    allowed = {*sys.stdlib_module_names, "harness"}
    for found in IMPORTS:
        if found.source in ("harness.types", "harness.errors"):
            assert found.target.split(".")[0] in allowed, found
            assert not inside(found.target, "harness") or found.target in ("harness.types", "harness.errors"), found


LAYERS = (
    {"types", "errors"},
    {"text", "files", "machine", "supervisor"},
    {"protocols"},
    {"plugins", "flags", "stats", "data", "gguf", "chat", "sandbox"},
    {"models"},
    {"handlers", "benchmarks", "results", "doctor"},
    {"engines", "running"},
    {"exchange", "analysis"},
    {"reports"},
    {"commands"},
    {"cli", "api"},
)
"""Rooms of harness/, who may import whom: only what stands in a line above. Lazy imports count, too."""
TRAINER_LAYERS = (
    {"losses", "shown", "workers", "picture"},
    {"config", "store"},
    {"arguments", "data", "monotony", "tree"},
    {"cache", "collate", "mix", "checkpoints", "probe"},
    {"evaluation"},
    {"train"},
    {"callbacks", "folder", "model"},
    {"run", "gguf"},
    {"estimate", "rl"},
    {"commands"},
    {"cli"},
    {"recipes"},
)
"""Recipes are programs that use the three others: nothing imports them."""
REFINE_LAYERS = (
    {"environments", "judge", "ledger", "material", "outputs", "questions", "rollouts"},
    {"similar"},
    {"types", "export", "loop", "report", "sift"},
    {"checks"},
    {"turns", "repair"},
    {"pipeline"},
    {"jobs", "stages"},
    {"run"},
    {"synth"},
    {"spread"},
    {"commands"},
    {"cli"},
)
HOUSE = {"harness": LAYERS, "trainer": TRAINER_LAYERS, "refine": REFINE_LAYERS}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_stands_in_one_layer(package: str) -> None:
    rooms = {
        path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert sorted(room for layer in HOUSE[package] for room in layer) == sorted(rooms - {"__init__"})


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_imports_only_from_layers_above_it(package: str) -> None:
    level = {room: number for number, rooms in enumerate(HOUSE[package]) for room in rooms}
    upward = []
    for found in IMPORTS:
        if inside(found.source, package) and inside(found.target, package):
            source, target = (name.split(".")[1:2] for name in (found.source, found.target))
            if source and target and source != target and level[target[0]] >= level[source[0]]:
                upward.append(str(found))
    assert upward == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    arrows: dict[str, set[str]] = {}
    for found in IMPORTS:
        if inside(found.target, *PACKAGES):
            arrows.setdefault(found.source, set()).add(found.target)
    TopologicalSorter(arrows).prepare()


def test_private_modules_and_names_stay_in_their_room() -> None:
    strangers = []
    for found in IMPORTS:
        path = found.target.split(".")
        hidden = [number for number, part in enumerate((*path, *found.names)) if re.match(r"_(?!_)", part)]
        if hidden and inside(found.target, *PACKAGES):
            room = path[: max(2, min(hidden[0], len(path) - 1))]
            if not inside(found.source, ".".join(room)):
                strangers.append(f"{found} {found.names}")
    assert strangers == []


def test_only_a_package_itself_reads_its_files() -> None:
    for path in SOURCES:
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            reader = ast.unparse(call.func).rpartition(".")[2]
            if reader in ("files", "PackageLoader") and call.args and isinstance(call.args[0], ast.Constant):
                package = str(call.args[0].value).partition(".")[0]
                assert package == module_name(path).partition(".")[0], f"{path}:{call.lineno} reads files of {package}"


def test_nothing_imports_the_package_itself() -> None:
    """`harness` leads to its public functions, and these to everything."""
    outside = ("harness", "harness.commands")
    found = [found for found in IMPORTS if found.target == "harness" and not inside(found.source, "trainer", "refine")]
    assert [str(each) for each in found if each.source not in outside] == []


def test_few_modules_stand_outside_a_room() -> None:
    assert len([path for path in (ROOT / "harness").glob("*.py") if path.stem != "__init__"]) <= 14


def test_handlers_and_engines_know_nothing_of_benchmarks() -> None:
    assert breaches(("harness.handlers", "harness.engines"), ("harness.benchmarks", "harness.running")) == []
    assert breaches(("harness.handlers",), ("harness.engines",)) == []
    assert breaches(("harness.engines",), ("harness.handlers",)) == []


def test_the_three_programs_meet_at_files() -> None:
    assert breaches(("harness",), ("trainer", "refine")) == []
    product = tuple(f"trainer.{room}" for layer in TRAINER_LAYERS[:-1] for room in layer)
    assert breaches(product, ("refine",)) == []
    assert breaches(("refine",), ("trainer",)) == []


def test_only_the_sandbox_is_imported_by_those_who_need_it() -> None:
    rooms = ("benchmarks.evalplus", "benchmarks.own", "commands", "doctor")
    allowed = ("harness.sandbox", *(f"harness.{room}" for room in rooms), "refine.environments")
    found = [
        found for found in IMPORTS if inside(found.target, "harness.sandbox") and not inside(found.source, *allowed)
    ]
    assert [str(each) for each in found] == []


def test_one_module_touches_trl() -> None:
    assert {found.source for found in IMPORTS if inside(found.target, "trl")} == {"trainer.rl.engine"}


def test_command_modules_import_little() -> None:
    allowed = {*sys.stdlib_module_names, "click"}
    # The settings of a run make the options of a command: they need click, and nothing else that is installed.
    settings = ("harness.flags", "harness.running.settings", "harness.running.pairs")
    light = ("harness.errors", "harness.types", "harness.cli", "harness.commands", "trainer", "refine", *settings)
    for found in IMPORTS:
        if found.top and inside(found.source, *(f"{package}.commands" for package in PACKAGES)):
            assert found.target.split(".")[0] in allowed or inside(found.target, *light), found


def test_the_settings_of_a_run_import_little() -> None:
    allowed = {*sys.stdlib_module_names, "click"}
    light = ("harness.errors", "harness.flags", "harness.running.settings", "harness.running.pairs")
    for found in IMPORTS:
        if found.top and inside(found.source, *light):
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


MEMBERS: Mapping[str, type | tuple[type, ...]] = {
    "name": str,
    "version": str,
    "check_workers": int,
    "runs_programs": bool,
    "requires": tuple,
    "extra": str,
    "layout": tuple,
    "flags": Mapping,
    "slots": int,
    "gpus": (int, NoneType),
    "with_user": tuple,
    "also_checked_by": tuple,
    "prepare": (NoneType, MethodType),
    "native": bool,
    "continues": bool,
    "part_sha256": (MethodType, NoneType),
    "parts": (MethodType, NoneType),
    "text_only": tuple,
    "scored": tuple,
    "scores": bool,
    "called": (MethodType, NoneType),
    "fit": (MethodType, NoneType),
    "families": tuple,
    "keep_special_tokens": bool,
    "underscore_names": bool,
    "documents": str,
}
"""Members of the protocols that are not methods."""
SERVING = {"tp", "dp", "gpu_memory_utilization", "runner", "ray_address"}
"""Flags that only some engines have."""
PLUGINS = [(kind, name) for kind in plugins.CONTRACTS for name in plugins.names(kind)]


def lacks(found: Any, contract: type[Any]) -> list[str]:
    """Members that an object does not have as its protocol says."""
    return [
        name
        for name in plugins.members(contract)
        if not (
            isinstance(getattr(found, name), MEMBERS[name]) if name in MEMBERS else callable(getattr(found, name, None))
        )
    ]


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_a_plugin_has_every_member_of_its_protocol(kind: plugins.Kind, name: str) -> None:
    plugin = plugins.load(kind, name)
    assert lacks(plugin, plugins.CONTRACTS[kind]) == []
    if kind == "engines":
        assert all(isinstance(each, str) for each in (*plugin.requires, *plugin.layout))
        assert set(plugin.flags) <= SERVING
        assert bool(plugin.requires) == bool(plugin.extra)


def test_a_session_has_every_member_of_its_protocol() -> None:
    session = plugins.open_engine("scripted", EngineSettings("m", options={"default": "x"}))
    assert lacks(session, Session) == []
    session.close()


def test_members_of_protocols_are_not_asked_for_by_name() -> None:
    """A `getattr(plugin, "member", default)` would be a second place for the default."""
    known = {name for contract in (*plugins.CONTRACTS.values(), Session) for name in plugins.members(contract)}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr" and len(node.args) == 3
        if isinstance(name := node.args[1], ast.Constant) and name.value in known
    ]
    assert found == []


@pytest.mark.parametrize("name", plugins.names("handlers"))
def test_a_handler_asks_and_reads(name: str) -> None:
    handler = plugins.load("handlers", name)
    assert handler.matches(ModelInfo("m")) is None or isinstance(handler.matches(ModelInfo("m")), str)
    prompt = handler.render(QUERY)
    assert isinstance(prompt, Prompt)
    assert prompt.raw == handler.continues
    asked = prompt.messages[-1]["content"]
    assert "User: What is 1 + 1?\n" in asked if handler.continues else asked == "What is 1 + 1?"
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
    reply = Reply(None if handler.continues else "It is a sum.", "[math.add(a=1)]")
    written = handler.write(reply)
    prefix = handler.render(QUERY).prefix
    assert written.text.startswith(prefix)
    read = handler.parse(Generation(written.text.removeprefix(prefix)), QUERY)
    assert (read.think, read.text) == (reply.think, reply.text)
    assert written.text[slice(*written.think)].startswith("<think>") or handler.continues
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
    assert leaves or name == "own"  # has those that a user added
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
            assert sample.category in (category, category.removesuffix("_base"))
            if sample.after:
                continue
            try:
                first = list(played(benchmark, sample, "[f(a=1)]"))
            except HarnessError as error:  # what it asks with is not there
                pytest.skip(str(error).splitlines()[0])
            assert first == list(played(benchmark, sample, "[f(a=1)]")), "a play is pure"
            if benchmark.check_workers:
                continue
            verdicts = benchmark.check(sample, Episode(sample.id, tuple(step for _, step in first)))
            for verdict in verdicts.values():
                assert isinstance(verdict, Verdict)
                assert (verdict.code is None) == (verdict.outcome == "pass")
