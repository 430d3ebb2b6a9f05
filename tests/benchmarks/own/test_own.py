"""Test sets of the user's own: taken in, asked, judged by BFCL's checker, and refused by line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness import plugins
from harness.analysis import comparison
from harness.analysis.sides import read as read_side
from harness.benchmarks.bfcl import data
from harness.benchmarks.own import sets
from harness.cli import cli
from harness.data import datasets
from harness.errors import DataError, UsageProblem
from harness.results import store
from harness.running.plan import RunSpec
from harness.running.runner import run
from harness.running.selection import resolve
from harness.types import EngineSettings, Episode, Generation, Reply, RunRecord, Step

pytestmark = pytest.mark.usefixtures("bfcl_data")
BOOK = {
    "name": "table.book",
    "description": "Books.",
    "parameters": {
        "type": "dict",
        "properties": {"people": {"type": "integer"}, "smoking": {"type": "boolean"}},
        "required": ["people"],
    },
}
CANCEL = {"type": "function", "function": {"name": "cancel", "parameters": {"type": "object", "properties": {}}}}
FOUR = {"name": "table.book", "arguments": {"people": 4}}
ASKED = [[{"role": "user", "content": "A table for four."}]]


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sets are kept in a folder of the test; BFCL's data stays where it is."""
    monkeypatch.setattr(sets, "cache_root", lambda: tmp_path / "cache")
    datasets.path("bfcl")
    return tmp_path / "cache" / "own"


def written(file: Path, *records: Any) -> Path:
    file.write_text("\n".join(record if isinstance(record, str) else json.dumps(record) for record in records) + "\n")
    return file


def played(folder: Path, name: str, replies: dict[str, str], handler: str = "prompt") -> RunRecord:
    script = folder / f"script{len(list(folder.glob('script*')))}.json"  # another one is another run
    script.write_text(json.dumps(replies))
    settings = EngineSettings("m", options={"script": str(script), "default": ""})
    return run(RunSpec(settings, "own", (name,), engine="scripted", handler=handler, output=folder / "results"))


def test_questions_and_answers_in_bfcl_form(tmp_path: Path, kept: Path) -> None:
    questions = written(
        tmp_path / "q.jsonl",
        {"id": "t_0", "question": ASKED, "function": [BOOK]},
        {"id": "t_1", "question": ASKED, "function": [BOOK]},
    )
    answers = written(
        tmp_path / "a.jsonl", {"id": "t_0", "ground_truth": [{"table.book": {"people": [4], "smoking": ["", False]}}]}
    )
    done = CliRunner().invoke(cli, ["data", "add", "mytest", "--format", "bfcl", str(questions), str(answers)])
    assert done.exit_code == 0, done.output
    assert str(kept / "mytest.jsonl") in done.output
    assert resolve(["mytest"]) == {"own": ("mytest",)}
    record = played(tmp_path, "mytest", {"t_0": "[table.book(people=4)]", "t_1": "None fits."})
    assert (record.scores["mytest"].judged, record.scores["mytest"].passed) == (2, 2)
    wrong = played(tmp_path, "mytest", {"t_0": "[table.book(people=5)]", "t_1": "[table.book(people=5)]"})
    assert wrong.scores["mytest"].passed == 0
    folder = store.path_of(tmp_path / "results", wrong)
    codes = {line.id: line.verdicts["mytest"].code for line in store.read_samples(folder)}
    assert codes == {"t_0": "value_error:others", "t_1": "irrelevance_error:decoder_success"}


@pytest.mark.parametrize(
    ("line", "right", "wrong"),
    [
        (
            {"tools": [BOOK], "calls": [{"name": "table.book", "arguments": {"people": 4}}]},
            "[table.book(people=4)]",
            "",
        ),
        ({"tools": [BOOK, CANCEL], "calls": [{"name": "cancel"}]}, "[cancel()]", "[table.book(people=4)]"),
        (
            {
                "tools": [CANCEL, BOOK],
                "calls": [{"name": "cancel"}, {"name": "table.book", "arguments": {"people": 2}}],
            },
            "[table.book(people=2), cancel()]",
            "[cancel()]",
        ),
        ({"tools": [BOOK], "calls": []}, "No.", "[table.book(people=4)]"),
        ({"tools": [BOOK], "wants_call": True}, "[table.book(people=9)]", "No."),
        (
            {
                "tools": [
                    {"name": "Maps.find", "parameters": {"properties": {"x": {"type": "String"}}, "required": ["x"]}}
                ],
                "calls": [{"name": "Maps.find", "arguments": {"x": "a"}}],
                "language": "java",
            },
            'Maps.find(x="a")',
            'Maps.find(x="b")',
        ),
    ],
)
def test_every_shape_in_the_short_form(line: dict[str, Any], right: str, wrong: str, tmp_path: Path) -> None:
    file = written(tmp_path / "my set.jsonl", {"question": "Please.", **line})
    (name,) = resolve([str(file)])["own"]
    assert name == "my_set"
    assert played(tmp_path, name, {"my_set_0": right}).scores[name].passed == 1
    assert played(tmp_path, name, {"my_set_0": wrong}).scores[name].passed == 0


def test_native_calls_are_judged_too(tmp_path: Path) -> None:
    line = {"question": "Please.", "tools": [BOOK], "calls": [{"name": "table.book", "arguments": {"people": 4}}]}
    sets.add("mine", [written(tmp_path / "q.jsonl", line)])
    reply = '<tool_call>\n{"name": "table_book", "arguments": {"people": 4}}\n</tool_call>'
    assert played(tmp_path, "mine", {"q_0": reply}, handler="fc").scores["mine"].passed == 1


def typed(kind: str, inner: str | None = None) -> dict[str, Any]:
    """A function with one parameter of a type."""
    schema = {"type": kind} | ({"items": {"type": inner}} if inner else {})
    return {"name": "f", "parameters": {"properties": {"x": schema}}}


QUESTION = {"id": "t_0", "question": ASKED, "function": [BOOK]}


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ("{", "q.jsonl:2 is not JSON"),
        ("[]", "q.jsonl:2: not an object"),
        (QUESTION, "the id 't_0' is there before"),
        ({"question": 3, "function": [BOOK]}, "q.jsonl:2: `question` is neither"),
        ({"question": "x"}, "no `function`"),
        ({"question": "x", "tools": [{}]}, "a function has no `name`"),
        ({"question": "x", "tools": [BOOK], "language": "ada"}, "`language` is 'ada'"),
        ({"question": "x", "tools": [BOOK], "calls": {"name": "f"}}, "`calls` is not a list"),
        ({"question": "x", "tools": [BOOK], "calls": [{"name": "f"}]}, "calls 'f', which is not offered"),
        ({"question": "x", "tools": [BOOK], "calls": [{"name": "table.book"}]}, "lacks people"),
        (
            {"question": "x", "tools": [BOOK], "ground_truth": [{"table.book": {"people": 4}}]},
            "lists no accepted value",
        ),
        ({"question": "x", "tools": [BOOK], "ground_truth": [{"table.book": {"x": [4]}}]}, "has no parameter 'x'"),
        ({"question": "x", "tools": [{"name": "f", "parameters": {"required": ["y"]}}]}, "that it does not describe"),
        ({"question": "x", "tools": [typed("text")]}, "x of f has the type 'text'; in python a type is one of string,"),
        (
            {"question": "x", "tools": [typed("string") | {"name": "A.f"}], "language": "java"},
            "x of A.f has the type 'string'; in java",
        ),
        ({"question": "x", "tools": [typed("String")], "language": "java"}, "for no Java; name it Class.f"),
        ({"question": "x", "tools": [typed("array")]}, "x of f is a list and does not say of what"),
        ({"question": "x", "tools": [typed("array", "text")]}, "x of f is a list of 'text'; in python"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(record: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"q\.jsonl:2") as error:
        sets.add("mine", [written(tmp_path / "q.jsonl", QUESTION, record)])
    assert problem in str(error.value)
    assert sets.names() == []


def test_answers_without_a_question_and_names_that_cannot_be(tmp_path: Path) -> None:
    questions = written(tmp_path / "q.jsonl", QUESTION)
    answers = written(tmp_path / "a.jsonl", {"id": "t_1", "ground_truth": []})
    with pytest.raises(DataError, match=r"a\.jsonl:1: an answer for 't_1'"):
        sets.add("mine", [questions, answers])
    for name in ("simple_python", "bfcl", "../x", "1"):
        with pytest.raises(UsageProblem):
            sets.add(name, [questions])


def test_runs_of_one_set_only_can_be_compared(tmp_path: Path) -> None:
    sets.add("mine", [written(tmp_path / "q.jsonl", QUESTION)])
    sets.add("other", [written(tmp_path / "o.jsonl", QUESTION | {"id": "o"})])
    before = played(tmp_path, "mine", {"t_0": "No."})
    sets.add("other", [written(tmp_path / "o.jsonl", QUESTION | {"id": "p"})])
    same = played(tmp_path, "mine", {"t_0": "[table.book(people=4)]"})
    assert same.benchmark.data_sha256 == before.benchmark.data_sha256
    sets.add("mine", [written(tmp_path / "q.jsonl", QUESTION | {"question": "Something else."})])
    changed = played(tmp_path, "mine", {"t_0": "No."})
    assert changed.run_id != before.run_id
    one, two = (read_side(store.path_of(tmp_path / "results", record)) for record in (before, changed))
    with pytest.raises(UsageProblem):
        comparison.compare(one, [two])
    assert plugins.load("benchmarks", "own").data_sha256() != changed.benchmark.data_sha256


@pytest.mark.parametrize(("category", "language"), [("simple_java", "java"), ("simple_javascript", "javascript")])
def test_java_and_javascript_are_judged_as_by_the_official_evaluator(
    category: str, language: str, tmp_path: Path, shared_data: Path
) -> None:
    """BFCL's own items, taken as a set of the user's own, on the recorded replies in text and as native calls."""
    asked, right = data.questions(category), data.answers(category)
    questions = [question | {"language": language} for question in asked]
    answers = [{"id": item["id"], "ground_truth": calls} for item, calls in zip(asked, right, strict=True)]
    sets.add("mine", [written(tmp_path / "q.jsonl", *questions), written(tmp_path / "a.jsonl", *answers)])
    own = plugins.load("benchmarks", "own")
    samples = {sample.id: sample for sample in own.load(["mine"])}
    with gzip.open(shared_data / "bfcl-oracle" / "derived_single_turn.jsonl.gz", "rt") as lines:
        cases = [case for case in map(json.loads, lines) if case["category"] == category and case["mode"] == "prompt"]
    assert len(cases) >= 40
    for case in cases:
        reply = Reply(None, case["raw"])
        verdict = own.check(samples[case["id"]], Episode(case["id"], (Step(0, Generation(reply.text), reply),)))["mine"]
        assert (verdict.outcome == "pass", verdict.code) == (case["valid"], case["error_type"]), case


@pytest.mark.parametrize(
    ("kind", "value", "right", "wrong"),
    [
        ("Array", [1, 2], "Maps.f(x=new int[]{1, 2})", "Maps.f(x=new int[]{2, 1})"),
        ("HashMap", {"a": 1}, """Maps.f(x='new HashMap<String, Integer>() {{ put("a", 1); }}')""", "Maps.f(x=null)"),
        ("long", 5, "Maps.f(x=5L)", "Maps.f(x=5.0)"),
    ],
)
def test_values_of_java_in_the_short_form(kind: str, value: Any, right: str, wrong: str, tmp_path: Path) -> None:
    tool = typed(kind, "integer" if kind == "Array" else None) | {"name": "Maps.f"}
    call = {"name": "Maps.f", "arguments": {"x": value}}
    line = {"question": "x", "tools": [tool], "calls": [call], "language": "java"}
    sets.add("mine", [written(tmp_path / "q.jsonl", line)])
    assert played(tmp_path, "mine", {"q_0": right}).scores["mine"].passed == 1
    assert played(tmp_path, "mine", {"q_0": wrong}).scores["mine"].passed == 0


@pytest.mark.parametrize(
    ("kind", "value", "right", "wrong"),
    [
        ("array", ["a"], "f(x=['a'])", "f(x=['b'])"),
        ("dict", {"a": 1}, "f(x={a: 1})", "f(x={a: 2})"),
        ("Boolean", True, "f(x=true)", "f(x='yes')"),
    ],
)
def test_values_of_javascript_in_the_short_form(kind: str, value: Any, right: str, wrong: str, tmp_path: Path) -> None:
    tool = typed(kind, "String" if kind == "array" else None)
    call = {"name": "f", "arguments": {"x": value}}
    line = {"question": "x", "tools": [tool], "calls": [call], "language": "javascript"}
    sets.add("mine", [written(tmp_path / "q.jsonl", line)])
    assert played(tmp_path, "mine", {"q_0": right}).scores["mine"].passed == 1
    assert played(tmp_path, "mine", {"q_0": wrong}).scores["mine"].passed == 0
