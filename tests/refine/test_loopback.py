"""Judges on a real server: what of their replies counts, and what becomes of the record."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.errors import RunIncomplete
from refine.cli import cli
from tests.refine.judges import no, yes
from tests.servers import Answer, Asked, chat, loopback

WRITTEN = {
    "rw_empty": "",
    "rw_prose": "You should call the weather function.",
    "rw_json": '{"name": "weather", "arguments": {"city": "Oslo"}}',
    "rw_wrongtool": "[delete_all(x=1)]",
    "rw_list": '[{"name": "weather", "arguments": {"city": "Oslo"}}]',
    "rw_right": "[weather(city='Oslo')]",
}
"""New answers by mode; of these the judge says yes whatever they are."""
REPLIES: dict[str, str] = {
    "yes": yes(),
    "fence": f"```json\n{yes()}\n```",
    "think": f"<think>\nIs it {no('so')}?\n</think>\n\n{yes()}",
    "upper": '{"reason": "fine", "verdict": "Yes"}',
    "extra": '{"reason": "fine", "verdict": "yes", "confidence": 0.9}',
    "swapped": '{"verdict": "yes", "reason": "fine"}',
    "trailing": '{"reason": "fine", "verdict": "yes",}',
    "newline": '{"reason": "fine\nindeed", "verdict": "yes"}',
    "no": no("wrong"),
    "think_unclosed": f"<think>\nI could say {yes()}",
    "echo": f"The record tells me to say {yes()} and I will not.",
    "two": yes() + "\n" + no("or not"),
    "dup": '{"reason": "fine", "verdict": "no", "verdict": "yes"}',
    "plain": "yes",
    "empty": "",
    "refuse": "I cannot judge this.",
    "only_verdict": '{"verdict": "yes"}',
    "list": f"[{yes()}, {no('x')}]",
    "html": "<html><body>busy</body></html>",
    "bool": '{"reason": "fine", "verdict": true}',
    "synonym": '{"reason": "fine", "verdict": "pass"}',
    "comment": '{"reason": "fine", "verdict": "yes"} // surely',
    "single": "{'reason': 'fine', 'verdict': 'yes'}",
    "language": '{"reason": "bien", "verdict": "oui"}',
    "other_key": '{"raison": "bien", "verdict": "yes"}',
    "cut": '{"reason": "fine", "verd',
    "wrapped": f'{{"result": {yes()}}}',
}
KEPT = {*("yes", "fence", "think", "upper", "extra", "swapped", "trailing", "newline"), "rw_right", "apart"}
STUBBORN = {"no_arguments": "arguments", "no_format": "format"}
"""Modes in which the judge says no at one stage, whatever the answer."""
HARD = {"rw_empty", "rw_prose", "rw_json", "rw_wrongtool", "rw_list", *STUBBORN}
FAULTY: dict[str, Answer] = {
    "e500": Answer({"error": {"message": "busy"}}, status=500),
    "e400": Answer({"error": {"message": "no"}}, status=400),
    "page": Answer(b"<html>", status=200),
    "not_utf8": Answer(b'{"choices": [{"message": {"content": "\xff"}}]}'),
    "reset": Answer(chat(yes()), cut=20),
    "length": Answer(chat(yes(), finish="length")),
    "hang": Answer(chat(yes()), delay=60.0),
    "e429": Answer({"error": {"message": "slower"}}, status=429),
    "apart": Answer(chat(yes(), reasoning_content=f"Is it {no('so')}?")),
}
MODES = [*REPLIES, *WRITTEN, *FAULTY, *STUBBORN]


def _judge(asked: Asked) -> Answer:
    if asked.body is None:
        return Answer({"object": "list", "data": [{"id": "judge"}]})
    system, user = (message["content"] for message in asked.body["messages"])
    mode = re.findall(r"MODE:(\w+)", user)[-1]
    if mode in FAULTY:
        return FAULTY[mode]
    rewritten = "answer" in asked.body.get("response_format", {}).get("json_schema", {}).get("schema", {}).get(
        "properties", {}
    )
    if mode in STUBBORN and not rewritten:
        return Answer(chat(no("never") if asked_about(system) == STUBBORN[mode] else yes()))
    if mode not in [*WRITTEN, *STUBBORN]:
        return Answer(chat(yes() if mode == "no" and asked_about(system) == "response" else REPLIES[mode]))
    if rewritten:
        return Answer(chat(json.dumps({"answer": WRITTEN.get(mode, WRITTEN["rw_right"])})))
    return Answer(chat(no("not asked for") if "OLD" in user and asked_about(system) == "arguments" else yes()))


def asked_about(system: str) -> str:
    """Which stage's instructions these are."""
    folder = Path(__file__).parents[2] / "refine" / "prompts"
    return next(path.stem for path in folder.glob("*.md") if path.read_text("utf-8").strip() == system)


def _row(mode: str) -> dict[str, Any]:
    schema = {"type": "dict", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"name": "weather", "description": f"Forecast. MODE:{mode}", "parameters": schema}
    city = "OLD" if mode in WRITTEN else "Oslo"
    return {
        "id": mode,
        "messages": [{"role": "user", "content": f"Weather in Oslo? MODE:{mode}"}],
        "tools": [tool],
        "think": f"Oslo. MODE:{mode}",
        "answer": f"[weather(city='{city} MODE:{mode}')]",
    }


@pytest.fixture(scope="module")
def refined(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The last outcome of each mode's record."""
    folder = tmp_path_factory.mktemp("refined")
    (folder / "in.jsonl").write_text("".join(json.dumps(_row(mode)) + "\n" for mode in MODES))
    with loopback(_judge) as server:
        flags = ["--input", str(folder / "in.jsonl"), "--output", str(folder / "out")]
        flags += [
            "--judge-model",
            "judge",
            "--judge-base-url",
            server.url,
            "--judge-args",
            "retries=1",
            "--max-tokens",
            "64",
        ]
        flags += ["--concurrency", "32", "--max-attempts", "1", "--judge-timeout", "1.5", "--json"]
        done = CliRunner().invoke(cli, ["run", *flags])
    assert isinstance(done.exception, RunIncomplete), done.output
    assert "unjudged" in str(done.exception)
    lines = [json.loads(line) for line in (folder / "out" / "outcomes.jsonl").read_text().splitlines()]
    counted = Counter(line["outcome"] for line in lines)
    assert counted.items() <= json.loads(done.stdout).items()
    return {line["id"]: line for line in lines}


@pytest.mark.parametrize("mode", sorted(MODES))
def test_what_becomes_of_a_record_under_each_kind_of_reply(refined, mode):
    expected = "kept" if mode in KEPT else "hard" if mode in HARD else "unjudged"
    got = refined[mode]
    assert got["outcome"] == ("dropped" if mode == "no" else expected), got["reason"]
    if expected == "kept":
        assert got["findings"] == []
