"""Levels 1 and 2: outcomes that follow from the rules, each on an item that shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.benchmarks.apibank import data, judge, judge_response
from harness.errors import UsageProblem

pytestmark = pytest.mark.usefixtures("apibank_data")


def first(level: int, api: str) -> data.Item:
    return next(item for item in data.items(level).values() if item.api == api)


@pytest.mark.parametrize(
    ("api", "reply", "code"),
    [
        ("QueryStock", "[QueryStock(date='2022-03-12')]", "MISS_INPUT_ARGUMENT"),
        ("QueryStock", "[QueryStock(code='AMZN', date='2022-03-12')]", "INVALID_INPUT_PARAMETER"),
        ("QueryStock", "[querystock(stock_code='AMZN', date='2022-03-12')]", "API_NAME_MISMATCH"),
        ("QueryStock", "[QueryStock(stock_code='AMZN', date='soon')]", "HAS_EXCEPTION"),
        ("QueryStock", "[QueryStock(stock_code='AMZN', date='2022-03-12', self='x')]", "CRASH:TypeError"),
        ("BookHotel", "[BookHotel(room_count='two')]", "CRASH:AssertionError"),
        ("BookHotel", "[BookHotel(room_count='²')]", "CRASH:ValueError"),
        ("BookHotel", f"[BookHotel(room_count='{'1' * 5000}')]", "CRASH:ValueError"),
        ("SymptomSearch", "[SymptomSearch(symptom=' ')]", "CRASH:Exception"),
        ("Calculator", "[Calculator(formula='-1+2')]", "HANG"),
        ("Calculator", "[Calculator(formula='1/0')]", "HAS_EXCEPTION"),
        ("GetToday", "[GetToday(day='x')]", "INVALID_INPUT_PARAMETER"),
        ("GetToday", "[GetToday()]", None),
        ("DeleteMeeting", None, "KEY_ERROR"),
        ("RecordHealthData", None, "HAS_EXCEPTION"),
        ("AddMeeting", None, "INPUT_MISMATCH"),
    ],
)
def test_the_error_kind(api: str, reply: str | None, code: str | None) -> None:
    item = first(1, api)
    verdict = judge(1, item.id, item.expected if reply is None else reply)
    assert verdict.code == code
    assert verdict.outcome == ("pass" if code is None else "fail")


def test_an_api_that_wants_the_time_as_written_and_one_that_normalises_it() -> None:
    item = first(1, "QueryStock")
    assert "-0" in item.expected
    assert judge(1, item.id, item.expected.replace("-0", "-")).outcome == "pass"
    alarm = first(1, "AddAlarm")
    assert judge(1, alarm.id, alarm.expected).outcome == "pass"
    assert " 0" in alarm.expected
    assert judge(1, alarm.id, alarm.expected.replace(" 0", " ")).code == "INPUT_MISMATCH"


def test_more_than_half_of_the_words_have_to_be_common() -> None:
    reminders = [(level, item) for level in (1, 2) for item in data.items(level).values() if item.api == "AddReminder"]
    level, item = next(pair for pair in reminders if " " in pair[1].truth["input"]["content"])
    content = item.truth["input"]["content"]
    words = content.split(" ")
    assert judge(level, item.id, item.expected.replace(content, f"{content} please")).outcome == "pass"
    assert judge(level, item.id, item.expected.replace(content, content.upper())).outcome == "pass"
    many = " ".join(f"{word} other{place}" for place, word in enumerate(words))
    assert judge(level, item.id, item.expected.replace(content, many)).code == "INPUT_MISMATCH"


def test_the_second_item_of_a_line_lacks_what_the_first_ones_checker_deleted() -> None:
    file = "AddAgenda-AddMeeting-GetUserToken-level-2-3.jsonl"
    one, two = (data.item(1, f"{file}#{number}") for number in (1, 2))
    assert one.expected == two.expected
    assert judge(1, one.id, one.expected).code == "INPUT_MISMATCH"
    assert judge(1, two.id, two.expected).code == "KEY_ERROR"


def test_a_search_is_answered_by_recorded_keywords_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_APIBANK_SEARCH", raising=False)
    item = data.item(2, "Calculator-level-3-2.jsonl#0")
    assert judge(2, item.id, "[ToolSearcher(keywords='calculate the square of 8')]").outcome == "pass"
    assert judge(2, item.id, "[ToolSearcher(keywords=' CALCULATE the square  of 8')]").outcome == "pass"
    assert judge(2, item.id, "[ToolSearcher(keywords='Query Stock')]").code == "OUTPUT_MISMATCH"
    unknown = "[ToolSearcher(keywords='never recorded')]"
    assert (judge(2, item.id, unknown).outcome, judge(2, item.id, unknown).code) == ("unscored", "unknown_keywords")
    assert judge(2, item.id, unknown, search="Calculator").outcome == "pass"
    assert judge(2, item.id, unknown, search="QueryBalance").code == "OUTPUT_MISMATCH"


def test_a_wrong_way_to_search_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_APIBANK_SEARCH", "modle")
    with pytest.raises(UsageProblem, match="HARNESS_APIBANK_SEARCH"):
        judge(2, "Calculator-level-3-2.jsonl#0", "[ToolSearcher(keywords='never recorded')]")


def test_the_nearest_description_is_found_where_the_model_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    from harness.benchmarks.apibank import embedding

    def encode(texts: list[str]) -> np.ndarray:
        """One axis for arithmetic, one for the rest."""
        return np.array([[1.0, 0.0] if "arithmetic" in text else [0.0, 1.0] for text in texts])

    monkeypatch.setenv("HARNESS_APIBANK_SEARCH", "model")
    monkeypatch.setattr(embedding, "_encode", encode)
    embedding._nearest.cache_clear()
    embedding._documents.cache_clear()
    try:
        reply = "[ToolSearcher(keywords='arithmetic help')]"
        assert judge(2, "Calculator-level-3-2.jsonl#0", reply).outcome == "pass"
    finally:
        embedding._nearest.cache_clear()
        embedding._documents.cache_clear()


@pytest.mark.parametrize(
    ("level", "name", "protocol"),
    [
        (1, "level-1/NoSuch.jsonl#0", "official"),
        (4, "x", "official"),
        (3, "50:0", "official"),
        (1, "Level1_399", "exact"),
        (4, "Level1_0", "exact"),
        (1, "Level1_0", "exakt"),
    ],
)
def test_what_is_misspelt_is_an_error(level: int, name: str, protocol: str) -> None:
    with pytest.raises(UsageProblem):
        judge(level, name, "", protocol)


def test_a_response_of_another_level_is_an_error(apibank_data: Path) -> None:
    name = next(iter(data.responses()))
    assert judge_response(1, name, "").code == "LOW_ROUGE_L"
    assert judge_response(1, name.rpartition("/")[2], "").evidence["credit"] == 0.0
    for level in (2, 4):
        with pytest.raises(UsageProblem):
            judge_response(level, name, "")
