import copy
import re
from collections.abc import Mapping
from typing import Any

import pytest

from harness import plugins
from harness.benchmarks import bfcl
from harness.benchmarks.bfcl import data, format_sensitivity, prompts, single_turn
from harness.benchmarks.bfcl.benchmark import PLUGIN, leaves
from harness.errors import UsageProblem
from harness.types import Episode, FunctionCall, Generation, Query, Reply, Sample, Step, Verdict

pytestmark = pytest.mark.usefixtures("bfcl_data")


def find(sample_id: str) -> Sample[Any]:
    (found,) = [sample for sample in PLUGIN.load([data.category_of(sample_id)]) if sample.id == sample_id]
    return found


def ask(sample: Sample[Any]) -> Query:
    """The only query of a single-turn sample."""
    play = PLUGIN.play(sample, {})
    query = next(play)
    with pytest.raises(StopIteration):
        play.send(Reply(None, "[]"))
    return query


def judged(sample: Sample[Any], reply: Reply, rules: str = "upstream") -> Mapping[str, Verdict]:
    episode = Episode(sample.id, (Step(0, Generation(reply.text), reply),))
    return PLUGIN.check(sample, episode, rules)


@pytest.mark.parametrize("category", single_turn.CATEGORIES)
def test_every_sample_of_a_category_is_loaded_in_order(category: str) -> None:
    samples = list(PLUGIN.load([category]))
    assert [sample.id for sample in samples] == [record["id"] for record in data.questions(category)]
    assert all(len(sample.turns) == 1 and sample.turns[0] and sample.category == category for sample in samples)


def test_loading_and_asking_leaves_the_questions_alone() -> None:
    before = copy.deepcopy(data.questions("simple_javascript"))
    for sample in PLUGIN.load(["simple_javascript"]):
        ask(sample)
    assert data.questions("simple_javascript") == before


def test_the_model_sees_rewritten_documents_in_text_and_natively() -> None:
    query = ask(find("simple_python_0"))
    assert query.instruction == prompts.instruction(query.tools)
    assert query.tools[0]["description"].endswith("Python 3 syntax.")
    assert query.expects == "calls"


def test_a_system_message_follows_the_instruction() -> None:
    sample = next(sample for sample in PLUGIN.load(["live_simple"]) if sample.turns[0][0]["role"] == "system")
    prompt = plugins.load("handlers", "prompt").render(ask(sample))
    said = sample.turns[0][0]["content"]
    assert prompt.messages[0]["content"].endswith(f"\n\n{said}")
    assert prompt.messages[0]["content"].startswith(prompts.instruction(sample.tools))


RIGHT = "[calculate_triangle_area(base=10, height=5)]"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(None, RIGHT), None),
        (Reply("a", "[calculate_triangle_area(base=10, height=6)]"), "value_error:others"),
        (Reply(None, "I cannot."), "ast_decoder:decoder_failed"),
        (Reply(None, "", (FunctionCall("calculate_triangle_area", {"base": 10, "height": 5}),)), None),
        (
            Reply(None, "", (FunctionCall("calculate_triangle_area", {"base": 10}),)),
            "simple_function_checker:missing_required",
        ),
        (Reply(None, "", ()), "simple_function_checker:wrong_count"),
        (Reply(None, RIGHT, (), problem="bad_tool_call"), "ast_decoder:decoder_failed"),
    ],
)
def test_a_reply_is_judged_by_its_calls(reply: Reply, code: str | None) -> None:
    (verdict,) = judged(find("simple_python_0"), reply).values()
    assert (verdict.outcome, verdict.code) == ("fail" if code else "pass", code)


def test_native_calls_under_the_names_of_the_data_set_pass() -> None:
    dotted = next(one for one in PLUGIN.load(["simple_python"]) if "." in one.tools[0]["name"])
    (expected,) = dotted.target
    ((function, parameters),) = expected.items()
    arguments = {key: values[0] for key, values in parameters.items() if values[0] != ""}
    (verdict,) = judged(dotted, Reply(None, "", (FunctionCall(function, arguments),))).values()
    assert verdict.outcome == "pass"


def test_strict_rules_reach_the_judge() -> None:
    sample = find("irrelevance_0")
    broken = Reply(None, "[f(a=")
    assert judged(sample, broken)["irrelevance"].outcome == "pass"
    assert judged(sample, broken, "strict")["irrelevance"].outcome == "fail"


def test_tasks_are_those_of_the_official_command_line() -> None:
    tasks = PLUGIN.tasks()
    assert list(tasks["single_turn"]) == list(data.SINGLE_TURN)
    assert tasks["live_simple"] == ("live_simple",)
    assert all(leaf in leaves() for group in tasks.values() for leaf in group)
    with pytest.raises(UsageProblem, match="live_simple"):
        list(PLUGIN.load(["live_simpel"]))


@pytest.mark.parametrize("sample_id", [None, 3, b"simple_python_0", ["simple_python_0"], "", "nonsense"])
def test_what_is_no_id_is_named(sample_id: object) -> None:
    with pytest.raises(UsageProblem, match=re.escape(f"{sample_id!r} is not a BFCL id")):
        bfcl.judge(sample_id, "[f(a=1)]")  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", [None, 3, 0.5, True, b"f()", {}, [None], [3], [{"f": None}], Ellipsis], ids=repr)
@pytest.mark.parametrize("mode", ["prompt", "fc"])
def test_an_answer_of_any_type_gets_a_verdict(raw: object, mode: str) -> None:
    verdict = bfcl.judge("simple_python_0", raw, mode=mode)
    assert verdict.outcome == "fail"
    assert str(verdict.code).startswith(("ast_decoder:", "simple_function_checker:"))
    assert bfcl.judge("irrelevance_0", raw, mode=mode).outcome == "pass"  # what does not decode is not a call


def test_format_sensitivity_asks_200_items_26_times() -> None:
    samples = format_sensitivity.samples("format_sensitivity")
    assert len(samples) == len({sample.id for sample in samples}) == 5200
    for number, sample in enumerate(samples):
        head, config, source = sample.id.split(":")
        assert head == f"format_sensitivity_{number}"
        assert config == str(prompts.CONFIGS[number % 26])
        assert source == samples[number - number % 26].id.split(":")[2]


def test_quirk_format_sensitivity_says_the_language_twice() -> None:
    sample = next(PLUGIN.load(["format_sensitivity"]))
    assert sample.tools[0]["description"].count("Python 3 syntax.") == 2


REPLIES = {
    "python": "[calculate_triangle_area(base=10, height=5)]",
    "json": '```json\n[{"function":"calculate_triangle_area","parameters":{"base":10,"height":5}}]\n```',
    "verbose_xml": '<functions><function name="calculate_triangle_area"><params><param name="base" value="10" '
    'type="integer"/><param name="height" value="5" type="integer"/></params></function></functions>',
    "concise_xml": '<functions><function name="calculate_triangle_area"><param name="base" type="integer">10</param>'
    '<param name="height" type="integer">5</param></function></functions>',
}


@pytest.mark.parametrize("config", prompts.CONFIGS, ids=str)
def test_each_configuration_is_asked_and_judged_in_its_own_format(config: prompts.PromptConfig) -> None:
    source = find("simple_python_0")
    sample = Sample(
        f"format_sensitivity_0:{config}:{source.id}", "format_sensitivity", source.turns, source.tools, None
    )
    assert ask(sample).instruction == prompts.instruction(source.tools, config)
    text = REPLIES[config.returns]
    tagged = f"<TOOLCALL>{text}</TOOLCALL>"
    right, wrong = (tagged, text) if config.tag else (text, "nothing")
    assert judged(sample, Reply(None, right))["format_sensitivity"].outcome == "pass"
    assert judged(sample, Reply(None, wrong))["format_sensitivity"].outcome == "fail"


def test_native_calls_have_no_format_to_vary() -> None:
    sample = next(PLUGIN.load(["format_sensitivity"]))
    verdict = judged(sample, Reply(None, "", ()))["format_sensitivity"]
    assert (verdict.outcome, verdict.code) == ("unscored", "format_sensitivity:native_calls")
