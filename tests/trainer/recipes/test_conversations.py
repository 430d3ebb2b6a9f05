"""The recipe's commands and its arithmetic; the whole of it takes minutes and is run by hand."""

from __future__ import annotations

import pytest

from trainer.recipes import conversations


def test_the_commands_are_those_of_the_three_programs(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(
        conversations, "carry_out", lambda command, **environment: ran.append((command[2:], environment))
    )
    kept = conversations.synthesise("desk.py:Desk", tmp_path, 7, 3, ["--model", "walk"])
    assert kept == tmp_path / "kept.jsonl"
    ((command, _),) = ran
    assert command[:4] == ["refine.cli", "synth", "run", "desk.py:Desk"]
    assert command[4:] == [*f"--output {tmp_path} --conversations 7 --seed 3".split(), "--model", "walk"]


def test_changes_are_paired_by_conversation_over_the_seeds():
    def credits(*values):
        named = {str(number): value for number, value in enumerate(values)}
        return {"conversation_turns": named, "conversations": {key: float(value == 1) for key, value in named.items()}}

    found = conversations.compare(credits(0, 0.5, 0, 0), [credits(1, 0.5, 0.5, 0), credits(1, 1, 0.5, 0)])
    turns = found["conversation_turns"]
    assert turns["before"]["value"] == 0.125
    assert [each["value"] for each in turns["after"]] == [0.5, 0.625]
    assert turns["difference"]["mean"] == pytest.approx((0.375 + 0.5) / 2)
    assert turns["difference"]["low"] <= turns["difference"]["mean"] <= turns["difference"]["high"]
    assert found["conversations"]["difference"]["mean"] == pytest.approx((0.25 + 0.5) / 2)
    assert "conversations (n=4): before 0.000" in conversations.table(found)
