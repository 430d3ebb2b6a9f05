"""Test sets of several turns in a user's own environment: taken in, played and judged, refused by line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness import plugins
from harness.benchmarks.bfcl import data, judge
from harness.benchmarks.own import conversations, dialogues, sets
from harness.cli import cli
from harness.errors import DataError, UsageProblem
from harness.results import store
from harness.running.rejudging import rejudged
from harness.sandbox.worlds import Environment
from harness.types import Reply, RunRecord, Verdict

from .test_own import kept, played, written

__all__ = ["kept"]
pytestmark = pytest.mark.usefixtures("bfcl_data")

DESK = '''
class Ticket:
    def __init__(self, id, title):
        self.id, self.title, self.open = id, title, True

    def __eq__(self, other):
        return True


class Desk:
    def _load_scenario(self, state, long_context=False):
        self.next, self.tickets = state.get("next", 1), []

    def open_ticket(self, title):
        """Opens."""
        self.tickets.append(Ticket(self.next, title))
        self.next += 1
        return {"id": self.next - 1}

    def close_ticket(self, id):
        for ticket in self.tickets:
            if ticket.id == id:
                ticket.open = False
                return {"closed": id}
        raise ValueError("no such ticket")

    def titles(self):
        return [ticket.title for ticket in self.tickets]
'''


NOISE = """
    def open_ticket(self, title):
        return open("/dev/urandom", "rb").read(9)
"""


def doc(name: str, **properties: str) -> dict[str, Any]:
    described = {key: {"type": kind, "description": key} for key, kind in properties.items()}
    schema = {"type": "dict", "properties": described, "required": list(properties)}
    return {"name": name, "description": name, "parameters": schema}


DOCS = [doc("open_ticket", title="string"), doc("close_ticket", id="integer"), doc("titles")]


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


QUESTION: dict[str, Any] = {
    "id": "desk_0",
    "question": [said("Open a ticket: Lamp."), said("Close it.")],
    "function": DOCS,
    "involved_classes": ["Desk"],
    "initial_config": {"Desk": {"next": 7}},
}
ANSWER = {"id": "desk_0", "ground_truth": [["open_ticket(title='Lamp')"], ["close_ticket(id=7)"]]}
RIGHT = ["[open_ticket(title='Lamp')]", "Opened.", "[close_ticket(id=7)]", "Closed."]


def added(folder: Path, question: Any = QUESTION, answer: Any = ANSWER, code: str = DESK, name: str = "desk") -> str:
    (folder / "desk.py").write_text(code)
    files = [written(folder / "q.jsonl", question), written(folder / "a.jsonl", answer)]
    sets.add(name, files, [f"{folder / 'desk.py'}:Desk"])
    return name


def outcome(folder: Path, replies: list[str], handler: str = "prompt") -> tuple[RunRecord, Any]:
    script: Any = {"desk_0": replies}
    record = played(folder, "desk", script, handler)
    (line,) = store.read_samples(store.path_of(folder / "results", record))
    return record, line.verdicts["desk"]


def test_a_set_is_added_run_and_judged_again(tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(DESK)
    docs = written(tmp_path / "docs.jsonl", *DOCS)
    bare = {key: value for key, value in QUESTION.items() if key != "function"}
    single = {"id": "one", "question": "A ticket for the lamp.", "calls": [{"name": "titles"}]}
    files = [written(tmp_path / "q.jsonl", bare, single), written(tmp_path / "a.jsonl", ANSWER)]
    command = ["data", "add", "desk", "--format", "bfcl", *map(str, files), "--functions", str(docs)]
    done = CliRunner().invoke(cli, [*command, "--environment", f"{tmp_path / 'desk.py'}:Desk"])
    assert done.exit_code == 0, done.output
    assert "1 single turn, 1 multi-turn" in done.output
    script: Any = {"desk_0": RIGHT, "one": "[titles()]"}
    record = played(tmp_path, "desk", script)
    assert (record.scores["desk"].judged, record.scores["desk"].passed) == (2, 2)
    assert record.machine.sandbox
    folder = store.path_of(tmp_path / "results", record)
    again, _ = rejudged(folder, "strict", print)
    assert again.scores["desk"].passed == 2
    assert not [name for name in sys.modules if name.startswith("environment")]


@pytest.mark.parametrize(
    ("replies", "code", "evidence"),
    [
        (RIGHT, None, {}),
        (["[open_ticket(title='Lamp')]", "[titles()]", "Opened.", "[close_ticket(id=7)]", "."], None, {}),
        (["[open_ticket(title='Lamp'), close_ticket(id=7)]", "Done.", "[titles()]", "."], "instance_state_mismatch", 0),
        (["[open_ticket(title='lamp')]", ".", "[close_ticket(id=7)]", "."], "instance_state_mismatch", 0),
        (["[open_ticket(title='Lamp')]", ".", "Done.", "."], "empty_turn_model_response", 1),
        (["[open_ticket(title='Lamp')]", ".", "[close_ticket(id=8)]", "."], "instance_state_mismatch", 1),
        (["[open_ticket(title='Lamp')]"] + ["[titles()]"] * 30, "force_terminated", None),
    ],
)
def test_states_and_results_decide(replies: list[str], code: str | None, evidence: Any, tmp_path: Path) -> None:
    added(tmp_path)
    _, verdict = outcome(tmp_path, replies)
    assert verdict.code == (code and f"multi_turn:{code}")
    if isinstance(evidence, int):
        assert verdict.evidence["turn"] == evidence


def test_a_state_is_compared_here_and_not_by_the_class(tmp_path: Path) -> None:
    """`Ticket.__eq__` holds all tickets equal."""
    added(tmp_path)
    _, verdict = outcome(tmp_path, ["[open_ticket(title='Door')]", ".", "[close_ticket(id=7)]", "."])
    assert verdict.evidence["class"] == "Desk"
    assert verdict.evidence["differences"] == [
        {"attribute": "tickets.0.<Ticket>.title", "expected": "Lamp", "got": "Door"}
    ]


def test_a_result_that_was_not_obtained_fails(tmp_path: Path) -> None:
    answer = {"id": "desk_0", "ground_truth": [["open_ticket(title='Lamp')"], ["titles()"]]}
    added(tmp_path, answer=answer)
    wrong = ["[open_ticket(title='Lamp')]", ".", "[open_ticket('Lamp')]", "."]
    assert outcome(tmp_path, wrong)[1].code == "multi_turn:execution_response_mismatch"
    assert outcome(tmp_path, ["[open_ticket(title='Lamp')]", ".", "[titles()]", "."])[1].outcome == "pass"


def test_native_calls_are_carried_out(tmp_path: Path) -> None:
    added(tmp_path)
    calls = [
        f'<tool_call>\n{{"name": "{name}", "arguments": {json.dumps(arguments)}}}\n</tool_call>'
        for name, arguments in (("open_ticket", {"title": "Lamp"}), ("close_ticket", {"id": 7}))
    ]
    assert outcome(tmp_path, [calls[0], ".", calls[1], "."], "fc")[1].outcome == "pass"


def test_functions_that_come_later_are_not_offered_first(tmp_path: Path) -> None:
    question = QUESTION | {"question": [said("Close."), []], "missed_function": {"1": ["close_ticket"]}}
    answer = {"id": "desk_0", "ground_truth": [["open_ticket(title='x')"], ["close_ticket(id=7)"]]}
    added(tmp_path, question, answer)
    (sample,) = plugins.load("benchmarks", "own").load(["desk"])
    assert [tool["name"] for tool in sample.tools] == ["open_ticket", "titles"]
    play = plugins.load("benchmarks", "own").play(sample, {})
    next(play)
    query = play.send(Reply(None, "No."))
    assert "close_ticket" in query.messages[-1]["content"]


def test_a_set_with_another_class_file_is_another_set(tmp_path: Path) -> None:
    added(tmp_path)
    own = plugins.load("benchmarks", "own")
    before = own.part_sha256(["desk"])
    added(tmp_path, code=DESK + "\n# changed\n")
    assert own.part_sha256(["desk"]) != before


def test_a_class_that_fails_while_it_is_played_is_a_fault_of_the_item(tmp_path: Path) -> None:
    noisy = DESK + "\n    def noise(self):\n        import os\n        return os.urandom(8).hex()\n"
    added(tmp_path, QUESTION | {"function": [*DOCS, doc("noise")]}, code=noisy)
    record = played(tmp_path, "desk", {"desk_0": ["[noise()]", "[titles()]", "."]})  # type: ignore[dict-item]
    (line,) = store.read_samples(store.path_of(tmp_path / "results", record))
    assert "noise gave another result" in str(line.fault)
    assert line.verdicts["desk"].outcome == "unscored"


@pytest.mark.parametrize(
    ("question", "answer", "problem"),
    [
        ({"involved_classes": ["Shop"]}, {}, r"q\.jsonl:1: Shop is not among the classes of --environment: Desk"),
        ({"involved_classes": "Desk"}, {}, r"q\.jsonl:1: `involved_classes`"),
        ({"question": "Close."}, {}, r"q\.jsonl:1: `question` is not a list of turns"),
        ({"question": [said("a"), []]}, {}, r"q\.jsonl:1: `question` is not a list of turns"),
        ({"function": []}, {}, r"q\.jsonl:1: no `function`"),
        ({"initial_config": {"Shop": {}}}, {}, r"q\.jsonl:1: `initial_config`"),
        ({"missed_function": {"1": ["x"]}}, {}, r"q\.jsonl:1: `missed_function` names 'x'"),
        ({"missed_function": {"4": ["titles"]}}, {}, r"q\.jsonl:1: `missed_function` is of turn 4"),
        ({"function": [*DOCS, doc("pay")]}, {}, r"a\.jsonl:1: no class has the function 'pay'; they have close_ticket"),
        ({}, {"ground_truth": [["titles()"]]}, r"a\.jsonl:1: the answer has 1 turns, the question 2"),
        ({}, {"ground_truth": "titles()"}, r"a\.jsonl:1: the answer is not a list of call strings"),
        ({}, {"ground_truth": [["shut()"], []]}, r"a\.jsonl:1: 'shut\(\)' cannot be carried out: .*'shut'"),
        ({}, {"ground_truth": [["titles("], []]}, r"a\.jsonl:1: 'titles\(' cannot be carried out"),
        ({}, {"ground_truth": [["close_ticket(id=1)"], []]}, r"a\.jsonl:1: 'close_ticket\(id=1\)' failed: .*no such"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(question: Any, answer: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=problem):
        added(tmp_path, QUESTION | question, ANSWER | answer)
    assert sets.names() == []


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("class Desk(:", r"desk\.py:1: "),
        ("class Shop: ...", r"desk\.py has no class 'Desk'"),
        ("import nowhere\nclass Desk: ...", r"a\.jsonl:1: desk\.py:1: ModuleNotFoundError"),
        (DESK + NOISE, r"a\.jsonl:1: turn 0 came to something else when it was tried again"),
    ],
)
def test_a_class_that_cannot_be_used_is_named(code: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=problem):
        added(tmp_path, code=code)


def test_flags_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(DESK)
    with pytest.raises(UsageProblem, match="names no class"):
        dialogues.environment(str(tmp_path / "desk.py"))
    with pytest.raises(DataError, match=r"q\.jsonl:1: `involved_classes` needs the file"):
        sets.add("desk", [written(tmp_path / "q.jsonl", QUESTION)])
    done = CliRunner().invoke(cli, ["data", "add", "bfcl", "x.zip", "--environment", "desk.py:Desk"])
    assert isinstance(done.exception, UsageProblem)
    assert "--format bfcl" in done.exception.remedy


LONG_CONTEXT = re.compile(r"^from bfcl_eval\S*long_context import \([^)]*\)$", re.MULTILINE)


@cache
def official(name: str) -> Environment:
    """A class of the pinned wheel as a user's file: what it imports of the package stands before it."""
    folder = data.package() / "eval_checker" / "multi_turn_eval" / "func_source_code"
    code = (folder / f"{data.FUNCTION_DOCS[name]}.py").read_text("utf-8")
    if LONG_CONTEXT.search(code):
        code = (folder / "long_context.py").read_text("utf-8") + "\n" + LONG_CONTEXT.sub("", code)
    return Environment(f"{name}.py", code, (name,))


def mutants(truth: list[list[str]]) -> list[list[list[str]]]:
    """The expected calls, and some that lack or add calls or are made in another turn."""
    return [truth, [turn[:-1] for turn in truth], [*truth[:-1], [*truth[-1], *truth[0]]], truth[::-1]]


def official_and_own(category: str, step: int) -> Iterator[tuple[str, Verdict, Verdict]]:
    """Items of BFCL, judged in its own classes and in the same ones as a user's."""
    items = list(zip(data.questions(category), data.answers(category), strict=True))[::step]
    for record, truth in items:
        docs = [doc for name in record["involved_classes"] for doc in data.function_docs(name)]
        involved = [name for name in record["involved_classes"] if name != "MathAPI"]  # which has no state
        states = {name: record["initial_config"][name] for name in involved if name in record["initial_config"]}
        line = {**record, "function": docs, "ground_truth": truth, "initial_config": states}
        item = dialogues.item_of(line, "bfcl:1", "", record["involved_classes"])
        environments = tuple(map(official, record["involved_classes"]))
        for turns in mutants(truth):
            steps = [[turn] if turn else [] for turn in turns]
            ours = conversations.check(item, environments, [[(step, "decoded") for step in turn] for turn in steps])
            yield record["id"], ours, judge(record["id"], steps, mode="decoded")


@pytest.mark.parametrize("category", ["multi_turn_base", "multi_turn_miss_func"])
def test_official_classes_give_the_official_verdicts(category: str) -> None:
    codes = []
    for name, ours, theirs in official_and_own(category, step=40):
        assert (ours.outcome, ours.code) == (theirs.outcome, theirs.code), (name, ours, theirs)
        codes.append(theirs.code)
    assert codes.count(None) >= 5
    assert len(set(codes)) >= 3
