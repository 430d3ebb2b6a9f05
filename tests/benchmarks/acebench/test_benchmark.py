"""The plug-in: what is asked, in which order, and what is made of the replies."""

from collections import Counter

import pytest

from harness.benchmarks.acebench import data
from harness.benchmarks.acebench.benchmark import LEAVES, PLUGIN, raw_answer
from harness.results import provenance
from harness.types import Episode, Example, FunctionCall, Generation, Reply, Step
from refine.questions import benchmark_questions
from refine.similar import Contamination
from tests.benchmarks.acebench.test_judging import written

pytestmark = pytest.mark.usefixtures("stand_in_sources")


def samples(*categories):
    return {sample.id: sample for sample in PLUGIN.load(categories)}


def played(sample, answer):
    """An episode with the texts that a function gives to the queries, and the queries."""
    steps, queries = [], []
    play = PLUGIN.play(sample, {})
    query = next(play)
    while True:
        queries.append(query)
        reply = Reply(None, answer(query, len(steps)))
        steps.append(Step(query.turn, Generation(reply.text), reply, query.asks))
        try:
            query = play.send(reply)
        except StopIteration:
            return Episode(sample.id, tuple(steps)), queries


def judged(sample, answer, rules="upstream"):
    (verdict,) = PLUGIN.check(sample, played(sample, answer)[0], rules).values()
    return verdict


def test_tasks():
    tasks = PLUGIN.tasks()
    assert len(LEAVES) == 34
    assert len(tasks["acebench_en"]) == len(tasks["acebench_zh"]) == 17
    assert tasks["acebench_agent_zh"] == ("agent_multi_step_zh", "agent_multi_turn_zh")
    assert tasks["normal_atom_bool_en"] == ("normal_atom_bool_en",)


def test_a_dialogue_is_one_sample():
    found = Counter(sample.category for sample in PLUGIN.load(tuple(LEAVES)))
    assert found["normal_multi_turn_user_adjust_en"] == found["normal_multi_turn_user_switch_zh"] == 50
    assert found["normal_single_turn_parallel_function_en"] == 100
    assert sum(found.values()) == 900 + 900


def test_ids_tell_the_languages_apart():
    both = samples("special_irrelevant_en", "special_irrelevant_zh")
    assert len(both) == 100
    assert both["en:special_irrelevant_0"].tools != both["zh:special_irrelevant_0"].tools


@pytest.mark.parametrize(
    ("leaf", "name", "marks"),
    [
        ("normal_atom_bool_en", "en:normal_atom_bool_0", ("<en> time ", "<en> asked: user: ")),
        ("normal_preference_zh", "zh:normal_preference_0", ("<zh> profile {", "<zh> asked: ")),
        ("special_incomplete_en", "en:special_incomplete_0", ("<en> special: time ", "<en> asked: ")),
    ],
)
def test_a_single_question_is_asked_once_in_two_messages(leaf, name, marks):
    sample = samples(leaf)[name]
    _, (query,) = played(sample, lambda query, step: "")
    assert [message["role"] for message in query.messages] == ["system", "user"]
    for message, mark in zip(query.messages, marks, strict=True):
        assert message["content"].startswith(mark)
    assert str(list(sample.tools)) in query.messages[0]["content"]
    assert (query.tools, query.instruction, query.asks) == ((), "", "model")


def test_a_dialogue_is_right_where_all_its_steps_are():
    sample = samples("normal_multi_turn_user_switch_en")["en:normal_multi_turn_user_switch_0"]
    ids = [question["id"] for question in sample.target.questions]
    right = judged(sample, lambda query, step: written("en", ids[step]))
    assert (right.outcome, right.evidence["process_accuracy"]) == ("pass", 1.0)
    half = judged(sample, lambda query, step: written("en", ids[step]) if step else "no call")
    assert (half.outcome, half.code, half.evidence["process_accuracy"]) == ("fail", "wrong_output_format", 0.5)
    assert half.message.startswith(ids[0])


def test_native_calls_are_judged_as_if_they_were_written():
    reply = Reply(None, "", (FunctionCall("f", {"a": 1, "b": "x"}), FunctionCall("g", {})))
    assert raw_answer(reply) == "[f(a=1, b='x'), g()]"
    assert raw_answer(Reply(None, "text", ())) == "text"


def test_a_multi_step_agent_is_asked_until_it_finishes():
    sample = samples("agent_multi_step_en")["en:agent_multi_step_3"]
    milestones = [*data.answer("en", "agent_multi_step_3")["mile_stone"], "finish conversation"]
    calls = ["[login_device()]", "[turn_on_wifi()]", *milestones]
    episode, queries = played(sample, lambda query, step: calls[step])
    assert {query.asks for query in queries} == {"model"}
    assert len(queries) == len(calls)
    first, second = queries[0].messages[1]["content"], queries[1].messages[1]["content"]
    assert first.endswith(f"so far\nuser:{sample.target.questions[0]['question']}\n")
    assert second.startswith(first)
    assert "login_device()" not in second.removeprefix(first), "its own calls are not shown to a multi-step agent"
    assert second.removeprefix(first).startswith("execution result:[{'status': True, 'message': '<en> device_on'}]")
    (verdict,) = PLUGIN.check(sample, episode).values()
    assert verdict.outcome == "pass", verdict.message
    assert verdict.evidence["process"] == calls[:-1]


def test_a_multi_turn_agent_talks_with_a_simulated_user():
    sample = samples("agent_multi_turn_zh")["zh:agent_multi_turn_0"]
    said = ["hello", "agent: which message?", "the oldest", *data.answer("zh", "agent_multi_turn_0")["mile_stone"]]
    said += ["Done.", "finish conversation"]
    episode, queries = played(sample, lambda query, step: said[step])
    asked = [query.asks for query in queries]
    assert asked == ["user", "model", "user", *["model"] * 5, "user"]
    opening, after = queries[0].messages, queries[2].messages
    assert [message["role"] for message in opening] == ["system", "user"]
    assert opening[0]["content"].startswith("<zh> Play this person: ")
    assert after[:2] == opening
    assert [*after[2:]] == [{"role": "system", "content": "hello"}, {"role": "user", "content": " which message?"}]
    assert queries[1].messages[0]["content"] == "<zh> turn_system<zh> phone_rules"
    assert "agent:agent: which message?\nuser:the oldest\n" in queries[3].messages[1]["content"]
    (verdict,) = PLUGIN.check(sample, episode).values()
    assert verdict.outcome == "pass", verdict.message
    assert verdict.evidence["talk"][-1] == {"from": "user", "to": "agent", "said": "finish conversation"}


def test_an_agent_that_never_ends_is_stopped_and_judged():
    for leaf, name in (
        ("agent_multi_step_en", "en:agent_multi_step_0"),
        ("agent_multi_turn_en", "en:agent_multi_turn_20"),
    ):
        episode, _ = played(samples(leaf)[name], lambda query, step: "I wait.")
        assert len(episode.steps) == (20 if "step" in leaf else 41)
        (verdict,) = PLUGIN.check(samples(leaf)[name], episode).values()
        assert (verdict.outcome, verdict.code) == ("fail", "wrong number of class")


def test_a_dialogue_that_was_cut_off_is_unscored():
    sample = samples("agent_multi_step_en")["en:agent_multi_step_3"]
    episode, _ = played(sample, lambda query, step: "[login_device()]")
    (verdict,) = PLUGIN.check(sample, Episode(sample.id, episode.steps[:2])).values()
    assert (verdict.outcome, verdict.code) == ("unscored", "unfinished")


def test_every_sample_can_be_asked_and_judged_under_both_rules():
    for sample in PLUGIN.load(tuple(LEAVES)):
        episode, _ = played(sample, lambda query, step: "[nothing(a=1)]")
        for rules in ("upstream", "strict"):
            (verdict,) = PLUGIN.check(sample, episode, rules).values()
            assert verdict.outcome in ("fail", "unscored")


def test_training_data_can_be_held_against_its_questions():
    items = benchmark_questions(["acebench"])["acebench"]
    question = data.question("en", "normal_single_turn_single_function_0")["question"].removeprefix("user: ")
    example = Example("1", ({"role": "user", "content": question},), (), None, "", "")
    assert "acebench" in (Contamination({"acebench": items}).objection(example) or "")


def test_code_of_others_that_judges_counts_in_the_checkers_digest():
    class Alone:
        pass

    Alone.__module__ = type(PLUGIN).__module__
    assert provenance.checker_sha256(PLUGIN) != provenance.checker_sha256(Alone())
