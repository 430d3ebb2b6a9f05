import json

import pytest

from harness.benchmarks.bfcl import data, judge
from harness.benchmarks.bfcl.multi_turn import checker

pytestmark = pytest.mark.usefixtures("bfcl_data")

ITEM = "multi_turn_base_0"


def truth(item=ITEM):
    return [[turn] if turn else [] for turn in data.answer(item)]


def judged(turns, item=ITEM):
    return judge(item, turns, mode="decoded")


@pytest.mark.parametrize("category", data.MULTI_TURN)
@pytest.mark.parametrize("layout", [lambda turn: [turn] if turn else [], lambda turn: [[call] for call in turn]])
def test_the_ground_truth_passes_twice(category, layout):
    for _ in range(2):
        for record, expected in zip(data.questions(category), data.answers(category), strict=True):
            verdict = judged([layout(turn) for turn in expected], record["id"])
            assert verdict.outcome == "pass", (record["id"], verdict)


def test_what_changes_nothing_is_allowed():
    turns = truth()
    turns[0].append(["cd(folder='..')", "cd(folder='document')"])  # another way, the same place and files
    turns[1].insert(0, ["nonsense(x=1)", "ls(", "ls()"])
    turns[2] += [["touch(file_name='draft.txt')"], ["rm(file_name='draft.txt')"]]
    assert judged(turns).outcome == "pass"


def test_an_extra_file_is_a_state_mismatch_that_says_where():
    turns = truth()
    turns[1].append(["touch(file_name='extra.txt')"])
    verdict = judged(turns)
    assert verdict.code == "multi_turn:instance_state_mismatch"
    assert verdict.evidence["turn"] == 1
    (difference,) = verdict.evidence["differences"]
    assert difference["attribute"].startswith("root.contents.")
    assert "extra.txt" in difference["attribute"]
    assert difference["expected"] == "absent"
    json.dumps(verdict.evidence)


def test_a_missing_result_is_named():
    turns = truth()
    turns[1] = [["ls()"]]
    verdict = judged(turns)
    assert verdict.code == "multi_turn:execution_response_mismatch"
    assert verdict.evidence["turn"] == 1
    assert '{"current_working_directory": "temp"}' in verdict.evidence["missing"]


def test_results_count_as_often_as_they_are_expected_and_earlier_turns_lend_theirs():
    turns = truth()
    turns[0], turns[1] = [*turns[0], *turns[1]], [["pwd()"]]
    assert judged(turns).outcome == "pass"
    assert checker._missing(["a", "a", "b"], ["b", "a"]) == ["a"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("Error during inference: timeout", "multi_turn:inference_error"),
        (None, "multi_turn:inference_error"),
        ([], "multi_turn:force_terminated"),
        ([[], [], []], "multi_turn:force_terminated"),
        ([[], [], [], []], "multi_turn:empty_turn_model_response"),
        ([["no call", "[]"], [], [], []], "multi_turn:empty_turn_model_response"),
        ([None, 3, "x", {}], "multi_turn:empty_turn_model_response"),
    ],
)
def test_results_that_are_not_runs_of_calls(raw, code):
    verdict = judge(ITEM, raw)
    assert (verdict.outcome, verdict.code) == ("fail", code)


def test_quirk_21_an_empty_map_makes_the_step_disappear():
    item = next(i for i in range(200) if "TicketAPI" in data.questions("multi_turn_base")[i]["involved_classes"])
    record = data.questions("multi_turn_base")[item]
    turns = [["[edit_ticket(ticket_id=1, updates={})]"] for _ in record["question"]]
    assert judge(record["id"], turns).code == "multi_turn:empty_turn_model_response"


def test_quirk_23_an_empty_turn_is_not_checked_but_its_calls_count():
    item = next(r["id"] for r in data.questions("multi_turn_miss_func") if data.answer(r["id"])[0] == [])
    turns = truth(item)
    turns[0], turns[1] = turns[1], [["nonsense()"]]  # everything is done a turn early, with the held-out function
    assert judged(turns, item).outcome == "pass"
    turns[0] = []
    assert judged(turns, item).outcome == "fail"


def test_quirk_25_judging_an_item_twice_gives_the_same():
    turns = truth()
    turns[3].append(["touch(file_name='x')"])
    assert judged(turns) == judged(turns)
    assert judged(truth()).outcome == "pass"


def test_strict_rules_bind_positional_arguments():
    item = "multi_turn_base_52"  # its ground truth itself uses positional arguments
    written = [["[" + ", ".join(turn) + "]"] for turn in data.answer(item)]
    assert judge(item, written, rules="upstream").outcome == "fail"
    assert judge(item, written, rules="strict").outcome == "pass"


def test_evidence_stays_small_whatever_the_model_does():
    turns = truth()
    turns[0].append([f"touch(file_name='{index}{'x' * 100_000}')" for index in range(40)] + ["ls()"] * 200)
    verdict = judged(turns)
    assert verdict.outcome == "fail"
    assert len(json.dumps(verdict.evidence)) < 500_000
