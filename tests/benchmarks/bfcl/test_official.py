from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.benchmarks.bfcl import data, judge, official

CONFIG = "ret_fmt={}&tool_call_tag=False&func_doc_fmt=json&prompt_fmt=plaintext&style=classic"


@pytest.mark.parametrize(
    ("category", "folder"),
    [
        ("simple_java", "non_live"),
        ("irrelevance", "non_live"),
        ("live_relevance", "live"),
        ("multi_turn_base", "multi_turn"),
        ("web_search_base", "agentic"),
        ("memory_rec_sum", "agentic/memory/rec_sum"),
        ("format_sensitivity", "format_sensitivity"),
    ],
)
def test_files_lie_where_the_official_command_puts_them(category, folder):
    path = official.file_of(Path("result/m"), category, "result")
    assert path == Path(f"result/m/{folder}/BFCL_v4_{category}_result.json")
    assert official.model_of(path, category) == "m"


def test_files_are_found_wherever_they_lie_and_pre_conversations_are_not_scored(tmp_path):
    for name in ("multiple", "simple_python", "memory_kv_prereq"):
        (tmp_path / f"BFCL_v4_{name}_result.json").write_text("")
    assert list(official.result_files(tmp_path)) == ["simple_python", "multiple"]
    assert official.model_of(tmp_path / "BFCL_v4_multiple_result.json", "multiple") == tmp_path.name


@pytest.mark.usefixtures("bfcl_data")
def test_a_format_sensitivity_score_has_its_spread_and_each_configuration(tmp_path):
    replies = {"python": ("[calc(x=1)]", "[calc(x=1)]"), "json": ("[]", "no call")}
    expected = next(iter(data.answer("simple_python_1")[0]))
    number = data.answer("simple_python_1")[0][expected]
    right = f"[{expected}({', '.join(f'{key}={values[0]!r}' for key, values in number.items())})]"
    written = official.ScoreFile(tmp_path / "m", "format_sensitivity")
    for index, (dialect, texts) in enumerate(replies.items()):
        for place, text in enumerate((right, *texts[1:])):
            sample_id = f"format_sensitivity_{2 * index + place}:{CONFIG.format(dialect)}:simple_python_1"
            written.add(sample_id, text, judge(sample_id, text))
    header, *failures = [json.loads(line) for line in written.finish().read_text().splitlines()]
    assert (header["accuracy"], header["correct_count"], header["total_count"]) == (0.25, 1, 4)
    assert header["accuracy_max_delta"] == 50.0
    assert header["accuracy_std"] == pytest.approx(35.36)
    assert header["accuracy_variance"] == 1250.0
    assert header[CONFIG.format("python")] == {"accuracy": 0.5, "correct_count": 1, "total_count": 2}
    assert {failure["error_type"] for failure in failures} == {
        "simple_function_checker:wrong_func_name",
        "simple_function_checker:wrong_count",
    }
    assert all(failure["prompt"]["id"] == failure["id"] for failure in failures)


@pytest.mark.usefixtures("bfcl_data")
def test_relevance_failures_have_fields_of_their_own(tmp_path):
    written = official.ScoreFile(tmp_path / "m", "irrelevance")
    written.add("irrelevance_0", "[f(a=1)]", judge("irrelevance_0", "[f(a=1)]"))
    _, failure = [json.loads(line) for line in written.finish().read_text().splitlines()]
    assert failure["decoded_result"] == [{"f": {"a": 1}}]
    assert failure["model_result"] == "[f(a=1)]"
    assert failure["error_type"] == "irrelevance_error:decoder_success"
    assert "possible_answer" not in failure
