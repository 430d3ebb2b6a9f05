"""What the fields of a record say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageProblem
from harness.flags.fields import settings
from tests.flags.records import Base, Longer


def test_sections_go_on_until_the_next_one() -> None:
    found = {name: each.section for name, each in settings(Longer).items()}
    assert found == dict.fromkeys(("name", "many", "share", "tags", "extra"), "First") | dict.fromkeys(
        ("more", "switch", "keep", "force", "secret"), "Second"
    )


def test_a_docstring_is_the_help_of_the_field_above_it() -> None:
    found = settings(Longer)
    assert found["name"].help == "What it is called, on two lines."
    assert found["extra"].help == "Of the longer one."


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"tags": "a,b"}, ("a,b",)),
        ({"tags": [1, Path("x")]}, ("1", "x")),
        ({"tags": None}, ()),
        ({"more": {"a": 1}}, {"a": 1}),
        ({"more": ["a=1", {"b": 2}]}, ("a=1", {"b": 2})),
        ({"secret": 5}, "5"),
        ({"many": None}, 1),
    ],
)
def test_a_record_keeps_values_in_one_form(said: dict[str, Any], kept: Any) -> None:
    assert getattr(Base("a", **said), next(iter(said))) == kept


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"many": 0}, "--many cannot be 0\nGive a whole number of at least 1"),
        ({"many": "2"}, "--many cannot be '2'\nGive a whole number of at least 1"),
        ({"share": 2}, "--share cannot be 2\nGive a number from 0 to 1"),
        ({"tags": {"a": 1}}, r"--tag cannot be \{'a': 1\}\nGive text"),
        ({"more": [None]}, "--more cannot be None\nGive text"),
        ({"keep": "no"}, "--keep cannot be 'no'\nGive True or False"),
        ({"switch": "onn"}, "unknown --switch 'onn'\nDid you mean on"),
    ],
)
def test_a_value_that_cannot_be_names_the_flag_and_what_can(said: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        Base("a", **said)
