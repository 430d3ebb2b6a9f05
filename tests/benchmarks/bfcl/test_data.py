from pathlib import Path

import pytest

from harness.benchmarks.bfcl import data
from harness.errors import DataError, UsageProblem

pytestmark = pytest.mark.usefixtures("bfcl_data")

COUNTS = {
    "simple_python": 400,
    "simple_java": 100,
    "simple_javascript": 50,
    "multiple": 200,
    "parallel": 200,
    "parallel_multiple": 200,
    "irrelevance": 240,
    "live_simple": 258,
    "live_multiple": 1053,
    "live_parallel": 16,
    "live_parallel_multiple": 24,
    "live_irrelevance": 884,
    "live_relevance": 16,
    **dict.fromkeys(data.MULTI_TURN, 200),
    **dict.fromkeys(data.MEMORY, 155),
    **dict.fromkeys(data.WEB_SEARCH, 100),
    "exec_simple": 100,
    "exec_multiple": 50,
    "exec_parallel": 50,
    "exec_parallel_multiple": 40,
    "rest": 70,
}


@pytest.mark.parametrize("category", COUNTS)
def test_questions_and_answers_are_complete_and_aligned(category: str) -> None:
    questions, answers = data.questions(category), data.answers(category)
    assert len(questions) == len(answers) == COUNTS[category]
    assert len({record["id"] for record in questions}) == COUNTS[category]
    assert {data.category_of(record["id"]) for record in questions} == {category}


@pytest.mark.parametrize("category", sorted(set(COUNTS) - {*data.UNANSWERED, *data.MEMORY, *data.WEB_SEARCH}))
def test_where_answers_have_the_ids_of_their_questions_the_order_is_the_same(category: str) -> None:
    ids = [record["id"] for record in data.answer_records(category)]
    assert ids == [record["id"] for record in data.questions(category)]


def test_groups_have_the_official_sizes() -> None:
    sizes = {name: sum(COUNTS[category] for category in group) for name, group in _scoring_groups().items()}
    assert sizes == {"non_live": 1390, "live": 2251, "multi_turn": 800, "agentic": 665, "all_scoring": 5106}
    assert len(data.COLLECTIONS["python"]) == 11


def _scoring_groups() -> dict[str, tuple[str, ...]]:
    return {name: data.COLLECTIONS[name] for name in ("non_live", "live", "multi_turn", "agentic", "all_scoring")}


@pytest.mark.parametrize(
    ("sample_id", "category"),
    [
        ("live_multiple_3-2-0", "live_multiple"),
        ("memory_kv_0-customer-0", "memory_kv"),
        ("memory_kv_prereq_0-customer-0", "memory_kv"),
        ("web_search_no_snippet_99", "web_search_no_snippet"),
        ("format_sensitivity_0:ret_fmt=python&tool_call_tag=True:simple_python_1", "format_sensitivity"),
    ],
)
def test_category_of_an_id(sample_id: str, category: str) -> None:
    assert data.category_of(sample_id) == category


def test_ids_of_shared_files_are_expanded() -> None:
    assert data.question("memory_rec_sum_0-customer-0")["involved_classes"] == ["MemoryAPI_rec_sum"]
    assert data.answer("web_search_base_0") == data.answer("web_search_no_snippet_0") != []


def test_memory_conversations_are_expanded() -> None:
    sessions = {name: data.memory_conversations(name, "memory_kv") for name in ("student", "customer", "finance")}
    assert {name: len(found) for name, found in sessions.items()} == {"student": 10, "customer": 10, "finance": 7}
    assert sessions["customer"][0]["id"] == "memory_kv_prereq_0-customer-0"


def test_format_sensitivity_takes_200_items_in_the_order_of_the_data() -> None:
    chosen = data.format_sensitivity_ids()
    assert {category: len(ids) for category, ids in chosen.items()} == {
        "simple_python": 30,
        "parallel": 15,
        "multiple": 15,
        "parallel_multiple": 15,
        "live_simple": 24,
        "live_multiple": 86,
        "live_parallel": 6,
        "live_parallel_multiple": 9,
    }
    for category, ids in chosen.items():
        places = [data._positions(category)[sample_id] for sample_id in ids]
        assert places == sorted(places)


def test_every_environment_has_documents() -> None:
    assert {name: len(data.function_docs(name)) for name in data.FUNCTION_DOCS if "Memory" in name} == {
        "MemoryAPI_kv": 15,
        "MemoryAPI_vector": 12,
        "MemoryAPI_rec_sum": 5,
    }
    assert all(data.function_docs(name) for name in data.FUNCTION_DOCS)


@pytest.mark.parametrize("ask", [data.question, data.answer])
@pytest.mark.parametrize("sample_id", ["simple_python_400", "simple_pyhton_1", "", "simple_python", "../x_1"])
def test_an_unknown_id_is_a_usage_problem(ask: object, sample_id: str) -> None:
    with pytest.raises(UsageProblem):
        ask(sample_id)  # type: ignore[operator]


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    file = tmp_path / "questions.json"
    file.write_text('{"id": "a"}\n{"id": \n')
    with pytest.raises(DataError, match=r"questions\.json:2"):
        data.records(file)


def test_separators_inside_a_string_end_no_line(tmp_path: Path) -> None:
    file = tmp_path / "questions.json"
    file.write_text('{"id": "a\u2028b\x85c"}\n', encoding="utf-8")
    assert data.records(file) == [{"id": "a\u2028b\x85c"}]
