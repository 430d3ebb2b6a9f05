"""The recipe's commands and its arithmetic; the whole of it takes minutes and is run by hand."""

from __future__ import annotations

import re

import pytest

from harness.errors import DataError
from trainer.recipes import conversations


def test_as_many_more_are_planned_as_came_to_nothing(tmp_path, monkeypatch):
    ran = []

    def carry_out(command, **environment):
        ran.append(command[2:])
        planned = int(command[command.index("--conversations") + 1])
        (tmp_path / "kept.jsonl").write_text("{}\n" * min(planned - planned // 6, most))

    monkeypatch.setattr(conversations, "carry_out", carry_out)
    most = 100
    assert conversations.synthesise("desk.py:Desk", tmp_path, 9, 3, ["--model", "walk"]) == tmp_path / "kept.jsonl"
    assert [command[:4] for command in ran] == [["refine.cli", "synth", "run", "desk.py:Desk"]] * 2
    assert [command[4:] for command in ran] == [
        [*f"--output {tmp_path} --conversations {planned} --seed 3".split(), "--model", "walk"] for planned in (9, 11)
    ]
    most = 5
    with pytest.raises(DataError, match="came 5 conversations"):
        conversations.synthesise("desk.py:Desk", tmp_path, 9, 3, [])


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
    settings = {"model": "tiny", "environment": "desk.py:Desk", "seeds": 2, "roles": "walk", "ranks": 1}
    settings |= dict.fromkeys(("synth_args", "trainer_args", "harness_args"), "--x")
    page = conversations.page({"settings": settings, "found": found, "trained_on": 200})
    assert re.search(r"\| whole conversations +\| +4 \| 0\.000 \(0\.000-0\.490\) +\| 0\.250 ", page)
    assert "- whole conversations: +0.375 (+0.000 to +0.750, p = 0.5): no effect that can be told from chance." in page
    better = {"mean": 0.4, "low": 0.1, "high": 0.7, "p": 0.01}
    found["conversations"]["difference"] = better
    page = conversations.page({"settings": settings, "found": found, "trained_on": 200})
    assert "- whole conversations: +0.400 (+0.100 to +0.700, p = 0.01): an effect beyond chance." in page
