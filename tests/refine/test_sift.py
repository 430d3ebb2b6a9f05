"""A pass that only leaves examples out keeps the rest as they are, and says what it left out."""

from __future__ import annotations

import json
from dataclasses import asdict

from harness.data.examples import read
from refine.sift import TOLD, sift
from tests.refine.test_pipeline import example


def test_what_nothing_speaks_against_is_kept_unchanged(tmp_path):
    examples = [example(number) for number in range(TOLD + 10)]
    source, output = tmp_path / "in.jsonl", tmp_path / "below" / "out.jsonl"
    source.write_text("not json\n" + "".join(json.dumps(asdict(each)) + "\n" for each in examples))
    lines = sift(str(source), output, lambda each: None if int(each.id) % 2 else "even")
    assert list(read(output)) == [each for each in examples if int(each.id) % 2]
    assert lines[0].startswith("line 1: not JSON")
    assert lines[1] == "'0': even"
    assert lines[-1] == f"{TOLD // 2 + 5} kept, {TOLD // 2 + 5} left out, 1 unusable"
    assert len(lines) <= TOLD + 1
