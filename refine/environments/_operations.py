"""The operations of an OpenAPI document as tools: https://spec.openapis.org/oas/v3.1.0."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageProblem
from harness.types import Tool

METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 12
"""References inside each other; a schema that holds itself ends there."""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    name: str
    method: str
    path: str
    tool: Tool
    in_path: tuple[str, ...]
    in_query: tuple[str, ...]
    in_body: tuple[str, ...]
    """Properties of an object that is the body; `("body",)` with `whole_body` for another one."""
    whole_body: bool
    body: Mapping[str, Any]
    """The body's schema."""
    response: Mapping[str, Any]
    """The schema of the answer with the lowest status from 200 on."""


def read(file: Path) -> Mapping[str, Any]:
    """Read a document in YAML or JSON.

    Raises:
        UsageProblem: It is not one.
    """
    import yaml

    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageProblem(f"{file} cannot be read: {error}", "Give an OpenAPI 3 document.") from None
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3"):
        raise UsageProblem(f"{file} is not an OpenAPI 3 document", "It begins with a line openapi: 3....")
    return document


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """All operations, in the document's order."""
    return [
        _operation(document, path, method, item)
        for path, item in (document.get("paths") or {}).items()
        for method in METHODS
        if isinstance(item, Mapping) and method in item
    ]


def _operation(document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any]) -> Operation:
    spec = item[method]
    name = re.sub(r"\W+", "_", str(spec.get("operationId") or f"{method}{path}")).strip("_")
    listed = [resolved(document, each) for each in (*item.get("parameters", ()), *spec.get("parameters", ()))]
    properties: dict[str, Any] = {}
    required: list[str] = []
    for each in listed:
        if each.get("in") in ("path", "query"):
            described = {"description": each.get("description", "")}
            properties[each["name"]] = described | resolved(document, each.get("schema") or {})
            if each.get("required") or each["in"] == "path":
                required.append(each["name"])
    body = _content(document, resolved(document, spec.get("requestBody") or {}))
    fields = tuple(body.get("properties") or ())
    whole = bool(body) and not fields
    properties |= {"body": body} if whole else dict(body.get("properties") or {})
    required += ["body"] if whole else list(body.get("required") or ())
    answers = {code: each for code, each in (spec.get("responses") or {}).items() if str(code).startswith("2")}
    response = _content(document, resolved(document, answers[min(answers, key=str)])) if answers else {}
    tool: dict[str, Any] = {
        "name": name,
        "description": " ".join(filter(None, (spec.get("summary"), spec.get("description")))),
        "parameters": {"type": "object", "properties": properties, "required": list(dict.fromkeys(required))},
        "annotations": {"readOnlyHint": True} if method == "get" else {},
    }
    return Operation(
        name=name,
        method=method,
        path=path,
        tool=tool | ({"response": response} if response else {}),
        in_path=tuple(each["name"] for each in listed if each.get("in") == "path"),
        in_query=tuple(each["name"] for each in listed if each.get("in") == "query"),
        in_body=("body",) if whole else fields,
        whole_body=whole,
        body=body,
        response=response,
    )


def _content(document: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of a body."""
    for kind, each in (part.get("content") or {}).items():
        if "json" in kind:
            return resolved(document, each.get("schema") or {})
    return {}


def resolved(document: Mapping[str, Any], value: Any, depth: int = 0) -> Any:
    """A part of a document with its local references put in."""
    if isinstance(value, Mapping):
        if isinstance(reference := value.get("$ref"), str):
            return resolved(document, _at(document, reference), depth + 1) if depth < DEEPEST else {}
        merged = {key: resolved(document, item, depth) for key, item in value.items() if key != "allOf"}
        for part in value.get("allOf", ()):
            merged = _merged(merged, resolved(document, part, depth + 1))
        return merged
    return [resolved(document, item, depth) for item in value] if isinstance(value, list) else value


def _merged(one: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    properties = {**other.get("properties", {}), **one.get("properties", {})}
    required = [*other.get("required", ()), *one.get("required", ())]
    return {**other, **one, "properties": properties, "required": required}


def _at(document: Mapping[str, Any], reference: str) -> Any:
    part: Any = document
    for key in _keys(reference):
        part = part.get(key) if isinstance(part, Mapping) else None
    if part is None:
        raise UsageProblem(f"the document has nothing at {reference}", "References must be inside the document.")
    return part


def _keys(reference: str) -> Iterator[str]:
    if not reference.startswith("#/"):
        raise UsageProblem(f"the document refers to {reference}", "Put everything into one file first.")
    for key in reference[2:].split("/"):
        yield key.replace("~1", "/").replace("~0", "~")
