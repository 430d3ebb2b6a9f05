"""Synthesised conversations played again by a model: what is right, and that training shows the same prompts."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from harness.data.calls import call_of
from harness.data.turns import shown, turns
from harness.errors import DataError
from harness.types import Episode, Generation, Query, Reply, Sample, Step
from refine.synth import benchmark
from refine.synth.benchmark import VARIABLE, Conversations
from refine.synth.types import HeldBack
from tests.refine.synth.scenes import DeskEnvironment, borrowing, lending, walk
from tests.refine.synth.test_converse import play


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A desk, and what writes conversations of it to a file."""
    desk = DeskEnvironment()
    monkeypatch.setattr(benchmark, "open_environment", lambda name, options: desk)

    def written(*traces):
        rows = [asdict(play(desk, trace)[0].example) for trace in traces]
        path = tmp_path / "kept.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        monkeypatch.setenv(VARIABLE, str(path))
        plugin = Conversations()
        return plugin, plugin.load(["conversations"])

    return desk, written


def played(plugin: Conversations, sample: Sample, replies: list[str]) -> tuple[Episode, list[Query]]:
    queries, steps = [], []
    playing = plugin.play(sample, {})
    query = next(playing)
    for text in replies:
        queries.append(query)
        reply = Reply(None, text)
        steps.append(Step(query.turn, Generation(text), reply))
        try:
            query = playing.send(reply)
        except StopIteration:
            break
    return Episode(sample.id, tuple(steps)), queries


def texts(sample: Sample) -> list[str]:
    """The replies of the data, in their order."""
    from harness.data import examples

    (row,) = [row for row in examples.read(benchmark._file()) if row.id == sample.id]
    return [turn.answer for _, turn in turns(row)]


def test_the_conversation_itself_is_right_and_its_prompts_are_those_that_are_trained(world):
    from harness.data import examples

    desk, written = world
    plugin, (sample,) = written(borrowing(desk))
    replies = texts(sample)
    episode, queries = played(plugin, sample, replies)
    verdicts = plugin.check(sample, episode)
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == {
        "conversations": "pass",
        "conversation_turns": "pass",
        "conversation_calls": "pass",
    }
    (row,) = examples.read(benchmark._file())
    trained = [shown(turn.messages) for _, turn in turns(row)]
    assert len(trained) == len(queries) == 6
    for query, messages in zip(queries, trained, strict=True):
        assert [_plain(message) for message in query.messages] == [_plain(message) for message in messages]


def _plain(message):
    """A message without the ids of its calls' numbering, arguments read."""
    calls = [call_of(call) for call in message.get("tool_calls") or ()]
    return {**{key: value for key, value in message.items() if key != "tool_calls"}, "calls": calls}


def test_turns_are_judged_by_state_and_results(world):
    desk, written = world
    plugin, (sample,) = written(borrowing(desk))
    replies = texts(sample)
    episode, _ = played(plugin, sample, [*replies[:3], "I do not know."])
    verdicts = plugin.check(sample, episode)
    assert verdicts["conversations"].outcome == "fail"
    assert "turn 1" in verdicts["conversations"].message
    assert verdicts["conversation_turns"].evidence["credit"] == 0.5
    more = ["[list_subjects()]", *replies]
    assert plugin.check(sample, played(plugin, sample, more)[0])["conversations"].outcome == "pass"
    nothing, _ = played(plugin, sample, ["Hm.", "Hm."])
    assert plugin.check(sample, nothing)["conversation_turns"].evidence["credit"] == 0


def test_what_was_held_back_is_said_once_the_model_asks(world):
    desk, written = world
    find, sign_in = lending(desk)
    name = find[1]["name"][0]
    trace = walk(desk, [("missing_parameter", [[find], [sign_in]]), ("nothing_to_do", [])])
    first = replace(trace.turns[0], held_back=HeldBack("find_member", 0, "name", name))
    plugin, (sample,) = written(replace(trace, turns=(first, trace.turns[1])))
    assert len(sample.turns) == 3
    replies = texts(sample)
    assert plugin.check(sample, played(plugin, sample, replies)[0])["conversations"].outcome == "pass"
    calling = [*replies[:-1], "[list_subjects()]", "Done."]
    assert (
        "nothing was to be called" in plugin.check(sample, played(plugin, sample, calling)[0])["conversations"].message
    )


@pytest.mark.parametrize("handler", ["funreason", "prompt", "fc"])
def test_a_function_that_comes_later_is_offered_from_then_on_as_it_is_trained(world, handler):
    from harness import plugins
    from harness.data import examples
    from trainer.data import query_of

    desk, written = world
    find, sign_in = lending(desk)
    trace = walk(desk, [("missing_function", [[find], [sign_in]])])
    first = replace(trace.turns[0], held_back=HeldBack("find_member", 0))
    plugin, (sample,) = written(replace(trace, turns=(first,)))
    _, queries = played(plugin, sample, texts(sample))
    (row,) = examples.read(benchmark._file())
    asked = plugins.handler(handler, {"takes": "tools,calls"} if handler == "fc" else {})
    there = ["find_member" in [tool["name"] for tool in query.tools] for query in queries]
    assert there == [False, True, True, True]
    for query, (_, turn) in zip(queries, turns(row), strict=True):
        ours, trained = asked.render(query), asked.render(query_of(turn))
        assert trained.tools == ours.tools
        assert [_plain(message) for message in trained.messages] == [_plain(message) for message in ours.messages]
        assert not any("tools" in message for message in ours.messages)
        offered = [tool["function"]["name"] for tool in ours.tools]
        assert ("find_member" in offered) == (handler == "fc" and query is not queries[0])


def _fields(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_a_file_of_something_else_and_a_changed_environment_are_refused(world, tmp_path, monkeypatch):
    desk, written = world
    plugin, (sample,) = written(borrowing(desk))
    desk.digest = "1" * 64
    with pytest.raises(DataError, match="has changed"):
        next(plugin.play(sample, {}))
    other = tmp_path / "other.jsonl"
    row = {"id": "1", "messages": [{"role": "user", "content": "x"}], "tools": [], "answer": "y"}
    other.write_text(json.dumps(row) + "\n")
    monkeypatch.setenv(VARIABLE, str(other))
    with pytest.raises(DataError, match="was not synthesised"):
        Conversations().load(["conversations"])
