"""Recorded dialogues through our loops and services: every message, state and process of the official ones.

Result texts are read from the official sources, which are not part of the shared copies: without them a stand-in text
names what is said and with which values, and everything else has to agree.
"""

import gzip
import json

import pytest

from harness.benchmarks.acebench import data
from harness.benchmarks.acebench.agents.executor import World
from harness.benchmarks.acebench.agents.loop import MAX_MESSAGES, Dialogue

pytestmark = pytest.mark.usefixtures("acebench_data")

MARK = "\u2020"


def stand_in(name, *values):
    return f"{MARK}{name} {values}"


def play(case, states):
    language, question = case["language"], data.question(case["language"], case["id"])
    world = World.of(question, language, states[language], stand_in)
    dialogue = Dialogue(world, stand_in("nudge"), case.get("max_dialog_turns") or MAX_MESSAGES)
    agent, user = iter(case["agent"]), iter(case["user"])
    play = (
        dialogue.turns() if data.category_of(case["id"]) == data.AGENT_TURNS else dialogue.steps(question["question"])
    )
    turn = next(play, None)
    while turn is not None:
        text = next(agent, "finish conversation") if turn.speaker == "agent" else next(user, "ok")
        try:
            turn = play.send(text)
        except StopIteration:
            turn = None
    return dialogue


def alike(ours, theirs):
    """Equal, where one of our stand-ins stands for any text."""
    if isinstance(ours, str) and isinstance(theirs, str):
        return ours == theirs or MARK in ours
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [*ours] == [*theirs] and all(alike(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    return type(ours) is type(theirs) and ours == theirs


def test_every_recorded_dialogue(shared_data, states):
    differing, count = [], 0
    with gzip.open(shared_data / "acebench-oracle" / "agent_replay.jsonl.gz", "rt", encoding="utf-8") as lines:
        for case in map(json.loads, lines):
            count += 1
            dialogue = play(case, states)
            ours = [message.content for message in dialogue.messages]
            theirs = [content for _, _, content in case["history"]]
            same = dialogue.process == case["process"] and dialogue.world.result() == case["result"]
            if not same or not alike(ours, theirs):
                differing.append((case["language"], case["id"], case["mutation"]))
    assert count > 900
    assert not differing, f"{len(differing)} differ, first: {differing[:3]}"


def test_recipients_of_multi_turn_messages(shared_data, states):
    with gzip.open(shared_data / "acebench-oracle" / "agent_replay.jsonl.gz", "rt", encoding="utf-8") as lines:
        for case in map(json.loads, lines):
            if data.category_of(case["id"]) == data.AGENT_TURNS:
                ours = [[message.sender, message.recipient] for message in play(case, states).messages]
                assert ours == [[sender, recipient] for sender, recipient, _ in case["history"]]
