"""A JSON array is read item by item to what reading it whole gives, wherever its pieces are cut."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest

from harness.data import arrays, examples
from harness.errors import DataError

ITEMS = [
    {"a": [1, 2.5e-3, None, True]},
    'quo"te é \U0001f600 \\',
    [],
    {},
    -12,
    1234567,
    False,
    {"b": {"c": ["]", ","]}},
]


def _behind(text: str) -> io.BytesIO:
    """A file behind its opening bracket."""
    file = io.BytesIO(text.encode())
    file.seek(1)
    return file


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64, 2**20])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_items_are_those_of_the_whole(monkeypatch, chunk, indent, ascii_only):
    monkeypatch.setattr(arrays, "CHUNK", chunk)
    for made in (ITEMS, [], [[]], ITEMS[:1] * 50):
        text = json.dumps(made, indent=indent, ensure_ascii=ascii_only) + "\n\n"
        assert list(arrays.items(_behind(text))) == made


@pytest.mark.parametrize("chunk", [1, 5, 2**20])
@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ('1, {"a": tru}, 2]' + " " * 40, 1, "Expecting value at character 11"),
        ('{"a": 1} {"b": 2}]', 1, "no comma or closing bracket at character 11"),
        ("1, 2", 2, "no comma or closing bracket at character 6"),
        ("1, ", 1, "Expecting value"),
        ('1, {"a": "b', 1, "Unterminated string"),
        ("1]\n[2]", 1, "behind the array at character 5"),
        ("1,, 2]", 1, "Expecting value"),
        ("1, 2,]", 2, "Expecting value"),
        ("", 0, "Expecting value"),
    ],
)
def test_a_fault_is_told_with_its_place_behind_what_stood_before_it(monkeypatch, chunk, text, given, message):
    monkeypatch.setattr(arrays, "CHUNK", chunk)
    found = arrays.items(_behind(f"[{text}"))
    assert len([next(found) for _ in range(given)]) == given
    with pytest.raises(ValueError, match=message):
        next(found)


def test_bytes_that_are_no_text_are_a_fault():
    with pytest.raises(ValueError, match="utf-8"):
        list(arrays.items(io.BytesIO(b'"\xff"]')))


def test_memory_is_that_of_an_item(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK", 2**12)
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"instruction": "a" * 500, "output": "b"}] * 4000))
    tracemalloc.start()
    assert sum(1 for _ in examples.read(path)) == 4000
    assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 4
    tracemalloc.stop()


def test_an_array_may_stand_behind_a_byte_order_mark_and_white_space(tmp_path):
    path = tmp_path / "rows.json"
    path.write_bytes(b'\xef\xbb\xbf\r\n [{"instruction": "a", "output": "b"}]')
    assert [row.answer for row in examples.read(path)] == ["b"]


def test_a_broken_array_names_the_file_and_the_place(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text('[{"instruction": "a", "output": "b"},\n{"instruction": nope}]')
    with pytest.raises(DataError, match=r"rows.json is not JSON: Expecting value at character 55"):
        list(examples.read(path))
