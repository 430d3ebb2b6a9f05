import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from harness.benchmarks.bfcl import data, prompts
from harness.errors import UsageProblem

pytestmark = pytest.mark.usefixtures("bfcl_data")

GOLDEN = json.loads((Path(__file__).parents[2] / "cases" / "bfcl_prompts.json").read_text())


def documents(sample_id: str) -> list[dict[str, Any]]:
    record = data.question(sample_id)
    return record.get("function") or [doc for name in record["involved_classes"] for doc in data.function_docs(name)]


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['id']}-{case['config']}")
def test_system_prompt_is_upstreams_to_the_byte(case: dict[str, Any]) -> None:
    tools = prompts.rewrite(documents(case["id"]), data.category_of(case["id"]))
    ours = prompts.instruction(tools, prompts.CONFIGS[case["config"]])
    assert (len(ours), hashlib.sha256(ours.encode()).hexdigest()[:12]) == (case["length"], case["sha256"])


@pytest.mark.parametrize("category", GOLDEN["whole_categories"])
def test_every_system_prompt_of_a_category_is_upstreams(category: str) -> None:
    for config, theirs in GOLDEN["whole_categories"][category].items():
        ours = hashlib.sha256()
        for record in data.questions(category):
            tools = prompts.rewrite(record["function"], category)
            ours.update(prompts.instruction(tools, prompts.CONFIGS[int(config)]).encode() + b"\0")
        assert ours.hexdigest()[:12] == theirs


def test_the_default_is_number_5_of_26_different_ones() -> None:
    assert prompts.CONFIGS[5] == prompts.DEFAULT
    assert str(prompts.DEFAULT) == prompts.constants()["DEFAULT_SYSTEM_PROMPT_FORMAT"]
    assert len({str(config) for config in prompts.CONFIGS}) == 26
    assert all(prompts.PromptConfig.parse(str(config)) == config for config in prompts.CONFIGS)


def test_an_unknown_configuration_is_a_usage_problem() -> None:
    with pytest.raises(UsageProblem, match="ret_fmt=yaml"):
        prompts.PromptConfig.parse("ret_fmt=yaml")


def test_rewriting_leaves_the_stored_documents_alone() -> None:
    stored = documents("simple_java_0")
    before = copy.deepcopy(stored)
    prompts.rewrite(stored, "simple_java")
    assert stored == before


def tool(**parameters: dict[str, Any]) -> dict[str, Any]:
    return {"name": "f", "description": "F.", "parameters": {"type": "dict", "properties": parameters, "required": []}}


@pytest.mark.parametrize("times", [1, 2])
def test_the_language_sentence_is_added(times: int) -> None:
    for category, language in (
        ("multiple", "Python 3"),
        ("simple_java", "Java 8 SDK"),
        ("simple_javascript", "JavaScript"),
    ):
        (rewritten,) = prompts.rewrite([tool()], category, times)
        assert rewritten["description"].count(language) == times
        assert rewritten["description"].startswith("F. ")


def test_java_and_javascript_types_become_words() -> None:
    schema = {"type": "Array", "description": "A.", "items": {"type": "String"}}
    (java,) = prompts.rewrite([tool(a=schema, b={"type": "any", "description": "B."})], "simple_java")
    a, b = java["parameters"]["properties"].values()
    assert (a["type"], b["type"]) == ("string", "string")
    assert "items" not in a
    assert "Java Array type" in a["description"]
    assert "of type String" in a["description"]
    assert "any type of Java object" in b["description"]

    inner = {"x": {"type": "integer", "description": "X."}}
    (script,) = prompts.rewrite(
        [tool(d={"type": "dict", "description": "D.", "properties": inner})], "simple_javascript"
    )
    d = script["parameters"]["properties"]["d"]
    assert d["type"] == "string"
    assert "properties" not in d
    assert d["description"].endswith(json.dumps(inner))


def test_quirk_commas_leave_the_opening_tag_of_xml_documents() -> None:
    schema = {"type": "array", "description": "A, b.", "items": {"type": "integer"}, "default": [1, 2]}
    text = prompts.instruction([tool(a=schema)], prompts.CONFIGS[4])
    assert '<param name="a" type="array[integer]" required="false" default="[1 2]">' in text
    assert "<desc>A, b.</desc>" in text


def test_xml_parameters_without_a_required_list_are_required() -> None:
    schema = {"type": "dict", "description": "D.", "properties": {"x": {"type": "any", "description": "X."}}}
    assert '<param name="x" type="any" required="true">' in prompts.instruction([tool(d=schema)], prompts.CONFIGS[4])


def test_python_documents_map_types_and_nest() -> None:
    schema = {
        "type": "dict",
        "description": "D.",
        "properties": {"x": {"type": "array", "items": {"type": "string"}, "description": "X.", "enum": ["a"]}},
        "default": None,
    }
    text = prompts.instruction([tool(d=schema)], prompts.CONFIGS[3])
    assert "        d (dict, default=None): D.\n            x (list[str]): X. Enum values: ['a'].\n" in text


@pytest.mark.parametrize("config", prompts.CONFIGS, ids=str)
def test_braces_in_documents_are_not_placeholders(config: prompts.PromptConfig) -> None:
    odd = {**tool(), "description": "{functions} {0} %s"}
    assert "{functions} {0} %s" in prompts.instruction([odd], config)
