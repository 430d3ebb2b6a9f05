"""Flat lists of parameters, as xLAM's data has them, as the schemas that BFCL shows.

{"days": {"type": "int, optional", "description": "..."}}
{"type": "dict", "properties": {"days": {"type": "integer", "description": "..."}}, "required": []}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAMES = {
    **{"str": "string", "int": "integer", "float": "float", "bool": "boolean", "number": "float"},
    **{"list": "array", "set": "array", "sequence": "array", "iterable": "array", "tuple": "tuple"},
    **{"dict": "dict", "object": "dict", "mapping": "dict", "any": "any", "union": "any", "none": "any"},
}
_TYPE = re.compile(r"\s*(\w+)\s*(?:\[(.*)\])?\s*", re.DOTALL)


def schema_of(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """A tool's parameters as a schema with `properties`.

    Args:
        parameters: A schema, or a rule by the name of each parameter.

    Returns:
        The schema; whatever is not a flat list is left as it is.
    """
    if "properties" in parameters or not parameters or not all(map(_is_rule, parameters.values())):
        return parameters
    properties, required = {}, []
    for name, rule in parameters.items():
        text = str(rule.get("type", ""))
        said = rule.get("required")
        if said if isinstance(said, bool) else "optional" not in text.lower() and "default" not in rule:
            required.append(name)
        dropped = ("type", "required") if isinstance(said, bool) else ("type",)
        properties[name] = {**_type(text), **{key: value for key, value in rule.items() if key not in dropped}}
    return {"type": "dict", "properties": properties, "required": required}


def _is_rule(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("type"), str)


def _type(text: str) -> dict[str, Any]:
    """A type in Python's notation, with its items where it has some."""
    match = _TYPE.fullmatch(re.sub(r",\s*optional\b.*", "", text, flags=re.IGNORECASE))
    if match is None:
        return {"type": text}
    word, inside = match[1].lower(), match[2]
    if word == "optional" and inside:
        return _type(inside)
    kind = _NAMES.get(word, match[1])
    items = _type(inside.split(",")[0]) if inside and kind in ("array", "tuple") and "[" not in inside else None
    return {"type": kind, "items": items} if items else {"type": kind}
