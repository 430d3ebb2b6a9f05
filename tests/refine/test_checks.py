"""What tool documents alone say about an answer, in each spelling of types."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.types import Example
from refine.checks import answer_findings, parameters

BFCL = {
    "type": "dict",
    "properties": {
        "city": {"type": "string", "enum": ["Oslo", "Rome"]},
        "days": {"type": "integer"},
        "share": {"type": "float"},
        "now": {"type": "boolean"},
        "hours": {"type": "array", "items": {"type": "integer"}},
        "more": {"type": "any"},
    },
    "required": ["city"],
}
SCHEMA = {
    "type": "object",
    "properties": {
        name: {**rule, "type": {"float": "number"}.get(rule["type"], rule["type"])}
        for name, rule in BFCL["properties"].items()
    },
    "required": ["city"],
}
XLAM = {
    "city": {"type": "str", "enum": ["Oslo", "Rome"]},
    "days": {"type": "int, optional"},
    "share": {"type": "float, optional"},
    "now": {"type": "bool", "default": False},
    "hours": {"type": "List[int], optional"},
    "more": {"type": "Any, optional"},
}
SPELLINGS = {"bfcl": BFCL, "json schema": SCHEMA, "xlam": XLAM}


def found(answer: str, spelling: str = "bfcl") -> list[str]:
    tool = {"name": "get", "description": "", "parameters": SPELLINGS[spelling]}
    return [finding.check for finding in answer_findings(Example("0", (), (tool,), None, answer))]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    ("answer", "checks"),
    [
        ("[get(city='Oslo')]", []),
        ("[get(city='Oslo', days=3, share=0.5, now=True, hours=[1], more={})]", []),
        ("[get(city='Oslo', share=1)]", []),  # an integer is a number
        ("[get(days=3)]", ["required"]),
        ("[get(city='Oslo', day=3)]", ["unexpected"]),
        ("[get(city='Bern')]", ["enum"]),
        ("[get(city=3)]", ["type"]),
        ("[get(city='Oslo', days='3')]", ["type"]),
        ("[get(city='Oslo', days=True)]", ["type"]),  # a boolean is not an integer, whatever Python says
        ("[get(city='Oslo', hours=1)]", ["type"]),
        ("[take(city='Oslo')]", ["function"]),
        ("[get(city='Oslo'), get()]", ["required"]),
        ("Oslo", ["decode"]),
        ("[]", ["decode"]),
        ("[get(city='Oslo'", ["decode"]),
    ],
)
def test_findings_are_those_of_the_documents(spelling, answer, checks):
    assert found(answer, spelling) == checks


def test_parameters_of_a_tool_without_any():
    assert parameters({"name": "f"}) == ({}, [])


@given(st.text())
def test_any_text_is_read_or_does_not_decode(text):
    assert set(found(text)) <= {"decode", "function", "required", "unexpected", "type", "enum"}
