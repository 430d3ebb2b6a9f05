"""Tables that fit a terminal, and text that cannot move its cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text import NARROWEST, count, fitting, markdown_table, one_line, printable, table, without_folders

ROWS = [
    {"run": "20261121-a", "model": "organisation/" + "name-" * 12, "judged": "7", "folder": "results/" + "x" * 50},
    {"run": "20261121-b", "model": "m", "judged": "400", "folder": "results/y"},
]


def headers(text: str) -> list[str]:
    return text.split("\n")[0].split()


def widest(text: str) -> int:
    return max(map(len, text.split("\n")))


def test_what_fits_is_shown_as_it_is() -> None:
    text = table(ROWS, 200, ("folder",), ("judged",))
    assert headers(text) == ["run", "model", "judged", "folder"]
    assert len(text.split("\n")) == 4
    assert all(value in text for row in ROWS for value in row.values())


def test_spare_columns_go_before_anything_is_wrapped() -> None:
    text = table(ROWS, 120, ("folder", "judged"))
    assert headers(text) == ["run", "model", "judged"]
    assert len(text.split("\n")) == 4


def test_the_widest_column_is_wrapped_without_losing_a_character() -> None:
    text = table(ROWS, 60, ("folder",))
    assert headers(text) == ["run", "model", "judged"]
    assert widest(text) <= 60
    assert ROWS[0]["model"] in "".join(line[12:].split()[0] for line in text.split("\n")[2:] if line[12:].split())


def test_the_last_columns_go_before_the_first_and_the_widest() -> None:
    assert headers(table(ROWS, 30, ("folder",))) == ["run", "model"]
    assert headers(table(ROWS, 1, ("folder",))) == ["run", "model"]


@given(st.integers(NARROWEST + 14, 200))
def test_any_width_that_holds_the_first_and_a_wrapped_column_is_kept(width: int) -> None:
    assert widest(table(ROWS, width, ("folder",))) <= width


def test_numbers_are_aligned_right_and_stay_text() -> None:
    text = table([{"name": "a", "n": "7"}, {"name": "b", "n": "1e3"}], 80, right=("n",))
    assert [line.split()[1] for line in text.split("\n")[2:]] == ["7", "1e3"]
    assert len({len(line) for line in text.split("\n")}) == 1


@given(st.text())
def test_no_character_can_move_the_cursor(text: str) -> None:
    assert all(char.isprintable() or char in "\n\t" or not char.isascii() for char in printable(text))
    assert len(one_line(text).splitlines()) <= 1


def test_a_markdown_table_puts_numbers_right() -> None:
    found = markdown_table(("model", "n"), [("a", "1"), ("b", "20")])
    assert found == "| model | n |\n| --- | ---: |\n| a | 1 |\n| b | 20 |"
    assert markdown_table(("rule", "why"), [], left=2) == "| rule | why |\n| --- | --- |"


def test_cells_of_several_lines_count_by_their_longest() -> None:
    rows = [{"": "model", "one": "50.00\n40.0..60.0", "two": "1" * 30}]
    headers = {"": "", "one": "One\nmore", "two": "Two"}
    assert fitting(rows, 80, ("two", "one"), headers) == ["", "one", "two"]
    assert fitting(rows, 40, ("two", "one"), headers) == ["", "one"]
    assert fitting(rows, 10, ("two", "one"), headers) == [""]


def test_counts_are_whole_or_show_that_they_are_not() -> None:
    assert [count(number) for number in (0, 1_234_567, 375.0, 214.374)] == ["0", "1234567", "375.00", "214.37"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/home/ann/models/base-7b", "base-7b"),
        ("/home/ann/models/base-7b/", "base-7b"),
        ("cannot read '/home/Ann Other/x.json': no such file", "cannot read 'x.json': no such file"),
        ("~/m/x and /tmp/a/b.txt: gone", "x and b.txt: gone"),
        ("tokenizer=/mnt/x/tok, dtype=auto", "tokenizer=tok, dtype=auto"),
        ("POST http://localhost:80/v1/chat said 500", "POST http://localhost:80/v1/chat said 500"),
        ("POST /v1/chat/completions", "POST /v1/chat/completions"),
        ("50/95, a/b, ./x/y and org/model", "50/95, a/b, ./x/y and org/model"),
        ("<b></b> 3 / 4", "<b></b> 3 / 4"),
    ],
)
def test_folders_are_cut_and_nothing_else(text: str, said: str) -> None:
    assert without_folders(text) == said


@given(st.text(alphabet="ab/~'\" .:", max_size=40))
def test_cutting_folders_twice_changes_nothing_more(text: str) -> None:
    once = without_folders(text)
    assert len(once) <= len(text)
