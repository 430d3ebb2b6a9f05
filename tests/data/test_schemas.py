"""xLAM's parameters become schemas, and schemas stay as they are."""

from __future__ import annotations

import pytest

from harness.data.schemas import schema_of


@pytest.mark.parametrize(
    ("written", "schema"),
    [
        ("str", {"type": "string"}),
        ("int, optional", {"type": "integer"}),
        ("List[str]", {"type": "array", "items": {"type": "string"}}),
        ("List[float], optional", {"type": "array", "items": {"type": "float"}}),
        ("Tuple[int, int]", {"type": "tuple", "items": {"type": "integer"}}),
        ("List[List[int]]", {"type": "array"}),
        ("Dict[str, int]", {"type": "dict"}),
        ("Optional[bool]", {"type": "boolean"}),
        ("Union[int, str]", {"type": "any"}),
        ("set", {"type": "array"}),
        ("string", {"type": "string"}),
        ("date time", {"type": "date time"}),
    ],
)
def test_types_are_bfcls(written, schema):
    assert schema_of({"a": {"type": written, "description": "d"}})["properties"]["a"] == schema | {"description": "d"}


def test_what_has_a_default_or_says_so_is_not_required():
    flat = {
        "city": {"type": "str"},
        "days": {"type": "int, optional"},
        "unit": {"type": "str", "default": "C"},
        "zone": {"type": "str", "required": False},
        "hour": {"type": "int", "default": 0, "required": True},
    }
    found = schema_of(flat)
    assert found["required"] == ["city", "hour"]
    assert list(found["properties"]) == list(flat)
    assert found["properties"]["unit"] == {"type": "string", "default": "C"}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "object"},
        {"properties": {}},
        {"a": {"description": "no type"}},
        {"a": "text"},
    ],
    ids=str,
)
def test_what_is_no_flat_list_stays(schema):
    assert schema_of(schema) == schema
