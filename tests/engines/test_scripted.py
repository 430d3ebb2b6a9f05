from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from harness.engines.scripted import PLUGIN
from harness.errors import UsageProblem
from harness.types import Completion, EngineSettings, NativeCall, Prompt, RequestKey, Sampling


def answers(keys: list[RequestKey], **options: Any) -> list[Completion]:
    session = PLUGIN.open(EngineSettings("m", options=options))
    for key in keys:
        session.submit(key, Prompt(()), Sampling())
    out: list[Completion] = []
    while len(out) < len(keys):
        got = session.collect()
        assert got
        out += got
    session.close()
    return out


def test_the_most_particular_entry_answers(tmp_path: Path) -> None:
    entries = [
        {"id": "a", "text": "any"},
        {"id": "a", "step": 1, "text": "step 1"},
        {"id": "a", "repeat": 2, "text": "repeat 2"},
        {"id": "a", "repeat": 2, "step": 1, "text": "both"},
    ]
    script = tmp_path / "s.jsonl"
    script.write_text("\n".join(json.dumps(entry) for entry in entries))
    asked = {(0, 0): "any", (0, 1): "step 1", (2, 0): "repeat 2", (2, 1): "both"}
    keys = [RequestKey("a", *key) for key in asked]
    found = {completion.key[1:]: completion.generation for completion in answers(keys, script=str(script))}
    assert {key: generation.text for key, generation in found.items() if generation} == asked


def test_shapes_of_a_json_script(tmp_path: Path) -> None:
    call = {"name": "f", "arguments": '{"a": 1}'}
    script = tmp_path / "s.json"
    script.write_text(
        json.dumps({"a": "one", "b": ["first", "second"], "c": {"fault": "HTTP 500"}, "d": {"tool_calls": [call]}})
    )
    keys = [RequestKey(name, 0, step) for name, step in (("a", 3), ("b", 1), ("c", 0), ("d", 0), ("e", 0))]
    one, second, fault, native, default = answers(keys, script=str(script), default="so")
    assert one.generation
    assert one.generation.text == "one"
    assert second.generation
    assert second.generation.text == "second"
    assert (fault.generation, fault.fault) == (None, "HTTP 500")
    assert native.generation
    assert native.generation.tool_calls == (NativeCall("f", '{"a": 1}'),)
    assert default.generation
    assert default.generation.text == "so"


def test_replies_come_in_the_order_of_their_delays(tmp_path: Path) -> None:
    script = tmp_path / "s.json"
    script.write_text(json.dumps({"slow": {"text": "x", "delay": 0.1}, "quick": {"text": "y", "delay": 0.02}}))
    began = time.monotonic()
    found = answers([RequestKey("slow", 0, 0), RequestKey("quick", 0, 0)], script=str(script))
    assert [completion.key.sample_id for completion in found] == ["quick", "slow"]
    assert 0.1 <= time.monotonic() - began < 1


@pytest.mark.parametrize("text", ["[", '{"a": 3}', '{"a": {"txt": "x"}}', "[1]"])
def test_a_bad_script_is_named(tmp_path: Path, text: str) -> None:
    script = tmp_path / "s.json"
    script.write_text(text)
    with pytest.raises(UsageProblem, match=r"s\.json|txt"):
        PLUGIN.open(EngineSettings("m", options={"script": str(script)}))
