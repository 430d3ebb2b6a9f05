import json

import pytest

from harness.benchmarks.bfcl import data, multi_turn, prompts
from harness.benchmarks.bfcl.multi_turn.loop import MAX_STEPS
from harness.types import Episode, FunctionCall, Generation, Reply, Step

pytestmark = pytest.mark.usefixtures("bfcl_data")

DONE = "That is all."


def text(answer):
    return Reply(None, answer)


def native(*calls):
    return Reply(None, "", tuple(FunctionCall(name, arguments) for name, arguments in calls))


def sample(item):
    return next(s for s in multi_turn.samples(data.category_of(item)) if s.id == item)


def played(asked, replies):
    """Queries asked, and the episode: each reply in order, the last one for ever."""
    play, queries, steps = multi_turn.play(asked, {}), [], []
    query = next(play)
    while True:
        reply = replies[min(len(steps), len(replies) - 1)]
        queries.append(query)
        steps.append(Step(query.turn, Generation(reply.text), reply))
        try:
            query = play.send(reply)
        except StopIteration:
            return queries, Episode(asked.id, tuple(steps))


def truth(item):
    """Replies that make the ground truth's calls, one step a turn."""
    return [text(step) for turn in data.answer(item) for step in ([f"[{', '.join(turn)}]", DONE] if turn else [DONE])]


@pytest.mark.parametrize("category", data.MULTI_TURN)
def test_every_category_has_its_samples(category):
    samples = multi_turn.samples(category)
    assert len(samples) == 200
    assert [s.id for s in samples] == [record["id"] for record in data.questions(category)]


def test_a_played_ground_truth_passes():
    asked = sample("multi_turn_base_1")
    queries, episode = played(asked, truth(asked.id))
    assert multi_turn.check(asked, episode)["multi_turn_base"].outcome == "pass"
    assert [query.turn for query in queries] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_results_come_back_as_tool_messages_named_by_their_calls():
    queries, _ = played(sample("multi_turn_base_0"), [text("[cd(folder='document'), pwd()]"), text(DONE)])
    assert queries[1].messages[-3:] == (
        {"role": "assistant", "content": "[cd(folder='document'), pwd()]"},
        {
            "role": "tool",
            "name": "cd(folder='document')",
            "content": '{"current_working_directory": "document"}',
        },
        {"role": "tool", "name": "pwd()", "content": '{"current_working_directory": "/workspace/document"}'},
    )


def test_the_instruction_is_upstreams_system_prompt():
    (query, *_), _ = played(sample("multi_turn_base_0"), [text(DONE)])
    assert len(query.instruction) == 42257
    assert query.messages == tuple(data.question("multi_turn_base_0")["question"][0])


@pytest.mark.parametrize("reply", ["No call.", "[]", "", "```python\n[ls()]\n```", "edit_ticket(updates={})"])
def test_a_reply_without_a_readable_call_ends_the_turn(reply):
    queries, _ = played(sample("multi_turn_base_0"), [text(reply)])
    assert [query.turn for query in queries] == [0, 1, 2, 3]


def test_a_turn_has_21_steps_and_then_nothing_more():
    asked = sample("multi_turn_base_0")
    queries, episode = played(asked, [text("[ls()]")])
    assert [query.turn for query in queries] == [0] * MAX_STEPS == [0] * 21
    assert multi_turn.check(asked, episode)["multi_turn_base"].code == "multi_turn:force_terminated"


def test_quirk_24_running_out_of_steps_in_the_last_turn_is_not_noticed():
    asked = sample("multi_turn_base_1")
    replies = [*truth(asked.id)[:-1], text("[ls()]")]
    queries, episode = played(asked, replies)
    assert [query.turn for query in queries].count(3) == 21
    assert multi_turn.check(asked, episode)["multi_turn_base"].outcome == "pass"


def test_held_out_functions_appear_in_their_turn_as_python_writes_them():
    asked = next(s for s in multi_turn.samples("multi_turn_miss_func") if s.target["missed_function"].get("1"))
    (name, *_) = asked.target["missed_function"]["1"]
    assert name not in {tool["name"] for tool in asked.tools}
    queries, _ = played(asked, [text(DONE)])
    announced = queries[1].messages[-1]["content"]
    assert announced.startswith("[{'name': '" + name)
    assert announced.endswith(prompts.constants()["DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC"])
    assert "Python 3 syntax" not in announced  # held-out documents never get the language sentence
    assert queries[1].tools == queries[0].tools
    assert queries[1].instruction == queries[0].instruction


def test_with_native_calls_held_out_functions_join_the_tools():
    asked = next(s for s in multi_turn.samples("multi_turn_miss_func") if s.target["missed_function"].get("1"))
    queries, _ = played(asked, [native()])
    names = asked.target["missed_function"]["1"]
    assert [tool["name"] for tool in queries[1].tools] == [*(tool["name"] for tool in asked.tools), *names]
    assert queries[1].messages[-1]["content"] == prompts.constants()["DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC"]


def test_native_calls_and_their_results_are_paired_by_id():
    calls = native(("cd", {"folder": "document"}), ("pwd", {}))
    queries, _ = played(sample("multi_turn_base_0"), [calls, native()])
    assistant, first, second = queries[1].messages[-3:]
    assert [call["function"]["name"] for call in assistant["tool_calls"]] == ["cd", "pwd"]
    assert json.loads(assistant["tool_calls"][0]["function"]["arguments"]) == {"folder": "document"}
    assert [first["tool_call_id"], second["tool_call_id"]] == [call["id"] for call in assistant["tool_calls"]]
    assert [first["name"], second["name"]] == ["cd", "pwd"]
    assert first["content"] == '{"current_working_directory": "document"}'
    assert [query.turn for query in queries] == [0, 0, 1, 2, 3]


def test_a_native_call_that_cannot_be_read_ends_the_turn():
    broken = Reply(None, "<tool_call>{", (), "bad_tool_call")
    queries, _ = played(sample("multi_turn_base_0"), [broken])
    assert [query.turn for query in queries] == [0, 1, 2, 3]


def test_native_calls_that_cannot_be_written_as_source_end_the_turn():
    queries, _ = played(sample("multi_turn_base_0"), [native(("cd", {"folder": 10**5000}))])
    assert [query.turn for query in queries] == [0, 1, 2, 3]


def test_the_same_replies_give_the_same_queries():
    asked = sample("multi_turn_long_context_150")
    assert played(asked, truth(asked.id))[0] == played(asked, truth(asked.id))[0]
