"""What the README says of formats and thinking is what the reader reads."""

from __future__ import annotations

import re
from pathlib import Path

from harness.data import shapes, thinking

TEXT = (Path(__file__).parents[2] / "trainer" / "README.md").read_text("utf-8")


def test_every_format_has_its_row():
    table = TEXT.partition("| format | question")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(shapes.READERS)


def test_every_field_of_thinking_is_named():
    told = TEXT.partition("- Thinking: ")[2].partition("\n- ")[0]
    assert set(re.findall(r"`(\w+)`", told)) == set(thinking.FIELDS)
