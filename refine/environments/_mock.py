"""A mock of a service from its OpenAPI document: resources that are made, read, changed and removed.

`POST /shelves` makes a shelf, `GET /shelves` lists them, `/shelves/{id}` reads, changes and removes one; a resource
below another belongs to it. Whatever else there is answers with an example of its documented response. What a real
service would refuse by rules of its own, the mock does not know: it refuses what is not there and what does not fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from harness.types import FunctionCall
from refine.environments import Outcome
from refine.environments._operations import Operation

FIRST = 3
"""Resources of each kind in a fresh world."""
WORDS = ("alder", "basalt", "cedar", "delta", "elm", "flint", "garnet", "hazel", "iris", "jade", "knoll", "linden")


class Mock:
    """A service with resources of its own.

    Args:
        operations: What it offers.
        seed: Of the resources that are there at first.
    """

    def __init__(self, operations: Mapping[str, Operation], seed: int) -> None:
        self._operations, self._draw = operations, Random(seed)
        self._resources: dict[str, dict[str, Any]] = {}
        self._next = self._draw.randrange(1000, 8000)
        for operation in operations.values():
            if operation.method == "post" and not operation.in_path and self._is_collection(operation.path):
                for _ in range(FIRST):
                    body = example(operation.body, self._draw)
                    self._create(operation.path, body if isinstance(body, dict) else {}, operation)

    def execute(self, call: FunctionCall) -> Outcome:
        """Carry out a call."""
        operation = self._operations.get(call.name)
        if operation is None:
            return _refused(404, f"there is no operation {call.name}")
        schema = operation.tool["parameters"]
        for name in schema["required"]:
            if name not in call.arguments:
                return _refused(422, f"{name} is missing")
        for name, value in call.arguments.items():
            if name not in schema["properties"]:
                return _refused(422, f"{name} is unknown")
            if not suits(value, schema["properties"][name]):
                return _refused(422, f"{name} does not fit: {value!r}")
        return self._answer(operation, dict(call.arguments))

    def state(self) -> Any:
        """All resources by the path of their collection."""
        return {path: {key: dict(each) for key, each in found.items()} for path, found in self._resources.items()}

    def close(self) -> None:
        """Nothing is held."""

    def _answer(self, operation: Operation, arguments: dict[str, Any]) -> Outcome:
        collection, _, last = operation.path.rstrip("/").rpartition("/")
        one = last.startswith("{")
        path = _filled(collection if one else operation.path.rstrip("/"), arguments)
        if missing := self._missing_parent(operation.path, arguments):
            return _refused(404, missing)
        body = {name: arguments[name] for name in operation.in_body if name in arguments}
        if one:
            key = str(arguments[last.strip("{}")])
            if key not in self._resources.get(path, {}):
                return _refused(404, f"{path}/{key} is not found")
            return self._one(operation.method, path, key, body)
        if operation.method == "post" and self._is_collection(operation.path):
            return Outcome(json.dumps(self._create(path, body, operation)))
        if operation.method == "get" and (path in self._resources or self._is_collection(operation.path)):
            wanted = {name: arguments[name] for name in operation.in_query if name in arguments}
            found = list(self._resources.get(path, {}).values())
            return Outcome(json.dumps([each for each in found if all(each.get(k, v) == v for k, v in wanted.items())]))
        return Outcome(json.dumps(example(operation.response, Random(f"{path}{sorted(arguments.items())}"))))

    def _one(self, method: str, path: str, key: str, body: dict[str, Any]) -> Outcome:
        found = self._resources[path][key]
        if method == "delete":
            del self._resources[path][key]
            return Outcome(json.dumps({"deleted": key}))
        if method in ("put", "patch"):
            found.update(body)
        return Outcome(json.dumps(found))

    def _create(self, path: str, body: Mapping[str, Any], operation: Operation) -> dict[str, Any]:
        made = example(operation.response, self._draw) if operation.response.get("properties") else {}
        identifier = next((name for name in made if name == "id" or name.endswith(("_id", "Id"))), "id")
        self._next += 1
        textual = (operation.response.get("properties") or {}).get(identifier, {}).get("type") == "string"
        key: Any = f"{path.rstrip('/').rpartition('/')[2][:2].upper()}-{self._next}" if textual else self._next
        made = {**made, **body, identifier: key}
        self._resources.setdefault(path, {})[str(key)] = made
        return made

    def _is_collection(self, path: str) -> bool:
        return any(other.path.startswith(f"{path.rstrip('/')}/{{") for other in self._operations.values())

    def _missing_parent(self, path: str, arguments: Mapping[str, Any]) -> str:
        parts = path.strip("/").split("/")
        for place, part in enumerate(parts[:-1]):
            above = _filled("/" + "/".join(parts[:place]), arguments)
            if part.startswith("{") and above in self._resources:
                key = str(arguments[part.strip("{}")])
                if key not in self._resources[above]:
                    return f"{above}/{key} is not found"
        return ""


def _filled(path: str, arguments: Mapping[str, Any]) -> str:
    for name, value in arguments.items():
        path = path.replace(f"{{{name}}}", str(value))
    return path


def _refused(status: int, text: str) -> Outcome:
    return Outcome(json.dumps({"error": text, "status": status}), error=True)


def suits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value is of a schema's type and among its options."""
    kinds: Mapping[str, Any] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "array": list,
        "object": dict,
    }
    kind = kinds.get(str(schema.get("type", "")))
    if kind and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        return False
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(value, int | float) and ((low is not None and value < low) or (high is not None and value > high)):
        return False
    return not schema.get("enum") or value in schema["enum"]


def example(schema: Mapping[str, Any], draw: Random, name: str = "") -> Any:
    """A value of a schema."""
    if schema.get("enum"):
        return draw.choice(list(schema["enum"]))
    if "example" in schema and not isinstance(schema["example"], dict | list):
        return schema["example"]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return {key: example(inner, draw, key) for key, inner in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [example(schema.get("items") or {}, draw, name) for _ in range(draw.randint(1, 2))]
    if kind in ("integer", "number"):
        low, high = schema.get("minimum", 1), schema.get("maximum", 500)
        return draw.randint(int(low), int(high)) if kind == "integer" else round(draw.uniform(low, high), 2)
    if kind == "boolean":
        return draw.random() < 0.5
    if schema.get("format") in ("date", "date-time"):
        day = f"2026-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        return day if schema["format"] == "date" else f"{day}T09:30:00Z"
    return f"{draw.choice(WORDS)} {draw.randint(10, 99)}" if kind == "string" or not kind else None
