"""The graph of an environment's tools, each edge with its evidence, as JSON that a person can edit.

- A **value edge** says that a tool's result has a value which another tool takes: by its name (`equal`, `loose`), or
  because with that value the other tool was carried out and with an invented one it was not (`executed`).
- A **state edge** says that a tool was refused, and that after another one the same call was carried out, or refused
  for the next reason.
- A **state value** says that a parameter took a value that stands at a place of the state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import DataError, UsageProblem, unknown_name
from harness.files import write_atomic
from harness.types import FunctionCall
from refine.environments import Environment
from refine.synth.leaves import Shape, parsed, telling

FORMAT = 1
ALIKE = 0.6
"""Share of the words that two templates of one reason have in common."""
_VARYING = re.compile(r"\[.*?\]|\{.*?\}|'[^']*'|\"[^\"]*\"|\b[\w-]*\d[\w./-]*\b")


def template(error: str, call: FunctionCall) -> str:
    """An error's text without what differs from call to call: arguments, quoted text, lists, names with digits.

    Of an object, what stands under `error`; else all that stands in it.
    """
    value = parsed(error)
    if isinstance(value, Mapping):
        said = [str(value["error"])] if value.get("error") else [f"{key}: {item}" for key, item in value.items()]
        return ", ".join(_without_details(text, call) for text in said)
    return _without_details(error, call)


def _without_details(text: str, call: FunctionCall) -> str:
    for argument in sorted(filter(telling, map(str, call.arguments.values())), key=len, reverse=True):
        text = text.replace(argument, "*")
    return " ".join(_VARYING.sub("*", text).split())


def alike(reason: str, other: str) -> bool:
    """Whether two templates give the same reason: lists of names in them may differ."""
    words, others = set(reason.lower().split()), set(other.lower().split())
    return reason == other or len(words & others) >= ALIKE * len(words | others)


@dataclass
class ValueEdge:
    """A value of one tool's result is a parameter of another."""

    source: str
    place: tuple[str, ...]
    """Pattern of its place in the result."""
    target: str
    parameter: str
    names: str = ""
    """`equal` or `loose` where the names say it."""
    executed: int = 0
    """Executions that needed the value."""
    example: str = ""
    """The call in one of them."""


@dataclass
class StateEdge:
    """After one tool, a call of another is not refused any more for the same reason."""

    source: str
    target: str
    error: str
    """Template of the text with which the target was refused before."""
    after: tuple[str, ...] = ()
    """Tools that had been called as well, because the target needs them, too."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Of the source's call in that execution: what documents allow, and what a user says."""
    example: tuple[str, ...] = ()
    """The calls of one execution, the target's last."""


@dataclass
class StateValue:
    """A parameter takes values from a place of the state."""

    place: tuple[str, ...]
    target: str
    parameter: str
    worked: int
    tried: int


@dataclass
class Graph:
    """What is known of an environment."""

    environment: str
    digest: str
    tools: tuple[str, ...]
    reached: tuple[str, ...] = ()
    """Tools that were carried out at least once."""
    value_edges: list[ValueEdge] = field(default_factory=list)
    state_edges: list[StateEdge] = field(default_factory=list)
    state_values: list[StateValue] = field(default_factory=list)
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Which keys of the state are fields, by the pattern of their object, its parts joined by `/`."""

    def helpers(self, call: FunctionCall, error: str) -> list[StateEdge]:
        """State edges that lead to a call's tool from the reason of its refusal."""
        reason = template(error, call)
        return [edge for edge in self.state_edges if edge.target == call.name and alike(edge.error, reason)]

    def feeders(self, target: str, parameter: str) -> list[ValueEdge]:
        """Value edges that lead to a parameter; executed ones first."""
        found = [edge for edge in self.value_edges if (edge.target, edge.parameter) == (target, parameter)]
        return sorted(found, key=lambda edge: (-edge.executed, edge.names != "equal"))

    def needs(self, tool: str, other: str) -> bool:
        """Whether nothing is known by which a tool is carried out before another one has been."""
        waiting = {edge.target for edge in self.state_edges if edge.source == other} | {other}
        if tool in waiting:
            return True
        feeders: dict[str, set[str]] = {}
        for edge in self.value_edges:
            if edge.target == tool and edge.executed:
                feeders.setdefault(edge.parameter, set()).add(edge.source)
        return any(sources <= waiting for sources in feeders.values())

    def shape(self) -> Shape:
        """The shape of the environment's states."""
        return Shape({tuple(filter(None, place.split("/"))): frozenset(keys) for place, keys in self.fields.items()})

    def to_json(self) -> dict[str, Any]:
        """The graph as JSON values."""
        return {"format": FORMAT, **json.loads(json.dumps(asdict(self)))}


def write(graph: Graph, file: Path) -> None:
    """Write the graph whole or not at all, an edge a line so that it can be edited."""
    plain = graph.to_json()
    lines = []
    for name, value in plain.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in value)
            lines.append(f'"{name}": [\n{rows}\n ]')
        else:
            lines.append(f'"{name}": {json.dumps(value, ensure_ascii=False)}')
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, ("{\n " + ",\n ".join(lines) + "\n}\n").encode())


def read(file: Path, environment: Environment) -> Graph:
    """Read a graph, as it was written or edited by hand.

    Args:
        file: Its JSON.
        environment: What it must be of.

    Returns:
        The graph.

    Raises:
        DataError: The file is damaged.
        UsageProblem: It is of another environment, or names a tool that there is not.
    """
    remedy = f"Make it anew: refine synth graph {environment.name} --overwrite"
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
        graph = Graph(
            plain["environment"],
            plain["digest"],
            tuple(plain["tools"]),
            tuple(plain["reached"]),
            [ValueEdge(**{**edge, "place": tuple(edge["place"])}) for edge in plain["value_edges"]],
            [
                StateEdge(**{**edge, "after": tuple(edge["after"]), "example": tuple(edge["example"])})
                for edge in plain["state_edges"]
            ],
            [StateValue(**{**each, "place": tuple(each["place"])}) for each in plain["state_values"]],
            {place: tuple(keys) for place, keys in plain["fields"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} is not a graph: {error!r}", remedy) from None
    if graph.digest != environment.digest:
        raise UsageProblem(f"{file} is the graph of another {graph.environment}: tools or code have changed", remedy)
    known = [tool["name"] for tool in environment.tools()]
    edges: list[ValueEdge | StateEdge] = [*graph.value_edges, *graph.state_edges]
    named = [name for edge in edges for name in (edge.source, edge.target)]
    for name in (*named, *(each.target for each in graph.state_values)):
        if name not in known:
            raise unknown_name(f"tool in {file}", name, known)
    return graph
