"""Arguments for a call: from earlier results, from the state, from what documents allow, else invented.

Each value comes with its source. What earlier results hold is preferred, most of all what no call has used yet; a value
that is invented is what only the user can know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from harness.types import FunctionCall, Tool
from refine.synth.documents import Kind, Parameter, fits, kind_of, named_alike, parameters_of
from refine.synth.graph import Graph
from refine.synth.leaves import NOTHING, Leaf
from refine.synth.scene import Scene
from refine.synth.types import Path, Source

OPTIONAL, FED = 0.35, 0.75
"""Share of optional parameters that are given, and of those that an earlier result has a value for."""
EDGE, NAMED, KNOWN, GIVEN, OPTION, SAME_KIND, STATE_NAMED, STATE, INVENTED = (
    12.0,
    6.0,
    8.0,
    4.0,
    6.0,
    2.0,
    3.0,
    0.6,
    0.1,
)
"""How much a value weighs by where it comes from; unused results weigh four times as much."""
UNUSED = 4.0
SHARES = (0.3, 0.6, 1.0)
"""Of a list's options that one value names: some, or all."""
GATHERED = 3
"""Values of results that a list holds at most."""
EDGES_WEIGH = 3.0
PHRASE = 4
"""Words of a text from a result beyond which it is a sentence, which only an executed edge hands on."""
WORDS = ("amber", "birch", "cobalt", "dune", "ember", "fjord", "grove", "heather", "indigo", "juniper", "kelp", "larch")


@dataclass(frozen=True)
class Candidate:
    """A value, where it comes from and how much it weighs."""

    value: Any
    source: Source
    weight: float


@dataclass(frozen=True)
class _Wanted:
    """A value that is to be drawn."""

    tool: str
    parameter: Parameter
    scene: Scene
    draw: Random
    unused: set[int]
    """Steps whose results no later call has used."""
    place: Path
    """Where it stands in the arguments."""

    def inside(self, parameter: Parameter, key: str | int) -> _Wanted:
        """A value inside this one."""
        return replace(self, parameter=parameter, place=(*self.place, key))


class Drawer:
    """Draws calls of an environment's tools.

    Args:
        tools: Their documents.
        graph: What is known so far.
        values: Values to try, by `tool.parameter` or `parameter`.
    """

    def __init__(self, tools: Sequence[Tool], graph: Graph, values: Mapping[str, Sequence[Any]]) -> None:
        self.graph = graph
        self.parameters = {tool["name"]: parameters_of(tool) for tool in tools}
        self._values = values

    def call(
        self, tool: str, scene: Scene, draw: Random, since: int = 0, forced: Mapping[str, Any] | None = None
    ) -> tuple[FunctionCall, tuple[Source, ...]]:
        """A call of a tool.

        Args:
            tool: Its name.
            scene: What is known.
            draw: Where choices come from.
            since: Calls from this place on count as unused while no later one uses them.
            forced: Values of some parameters.

        Returns:
            The call, and a source for each leaf of its arguments.
        """
        unused = scene.unused(since)
        arguments: dict[str, Any] = {}
        sources: list[Source] = []
        for parameter in self.parameters[tool]:
            if forced and parameter.name in forced:
                arguments[parameter.name] = forced[parameter.name]
                continue
            if not parameter.required and draw.random() >= (FED if self._is_fed(tool, parameter, scene) else OPTIONAL):
                continue
            value, found = self._value(_Wanted(tool, parameter, scene, draw, unused, (parameter.name,)))
            arguments[parameter.name] = value
            sources += found
            unused -= {source.step for source in found if source.step is not None}
        return FunctionCall(tool, arguments), tuple(sources)

    def fed(self, tool: str, scene: Scene, draw: Random, since: int = 0) -> float:
        """Which share of a tool's required arguments would come from results that no call has used yet.

        Args:
            tool: Its name.
            scene: What is known.
            draw: Where choices come from.
            since: Calls from this place on count as unused while no later one uses them.

        Returns:
            The expected share, from 0 to 1.
        """
        unused = scene.unused(since)
        required = [parameter for parameter in self.parameters[tool] if parameter.required]
        share = 0.0
        for parameter in required if unused else ():
            found = list(self._candidates(_Wanted(tool, parameter, scene, draw, unused, (parameter.name,))))
            new = sum(each.weight for each in found if each.source.step in unused)
            share += new / sum(each.weight for each in found) if new else 0.0
        return share / max(1, len(required))

    def _is_fed(self, tool: str, parameter: Parameter, scene: Scene) -> bool:
        """Whether an earlier result has what a parameter takes."""
        made = {done.call.name for done in scene.done}
        return any(edge.source in made for edge in self.graph.feeders(tool, parameter.name))

    def _value(self, wanted: _Wanted) -> tuple[Any, list[Source]]:
        parameter, draw, place = wanted.parameter, wanted.draw, wanted.place
        candidates = list(self._candidates(wanted))
        if candidates:
            total = [each.weight for each in candidates]
            chosen = draw.choices(candidates, weights=total)[0]
            if isinstance(chosen.value, list) and chosen.source.kind == "result":
                return self._gathered(wanted, chosen, candidates)
            if isinstance(chosen.value, list):
                return chosen.value, [replace(chosen.source, parameter=(*place, i)) for i in range(len(chosen.value))]
            if parameter.kind == "list" and parameter.options:
                share = draw.choice(SHARES)
                some = [each for each in parameter.options if draw.random() < share] or [draw.choice(parameter.options)]
                return some, [Source((*place, i), "constant") for i in range(len(some))]
            return chosen.value, [replace(chosen.source, parameter=place)]
        if parameter.kind == "list":
            return self._list(wanted)
        if parameter.kind == "object":
            return self._object(wanted)
        return invented(parameter.kind, draw), [Source(place, "user")]

    def _gathered(self, wanted: _Wanted, first: Candidate, others: Sequence[Candidate]) -> tuple[Any, list[Source]]:
        """A list of what results hold, none of it twice: numbers of all results, texts that stand beside each other."""
        chosen = {first.value[0]: first.source}
        numbers = isinstance(first.value[0], int | float)
        alike = [
            each
            for each in others
            if each.source.kind == "result" and (numbers or _beside(each.source) == _beside(first.source))
        ]
        for _ in range(wanted.draw.randrange(GATHERED)):
            more = [each for each in alike if each.value[0] not in chosen]
            if more:
                (each,) = wanted.draw.choices(more, weights=[each.weight for each in more])
                chosen[each.value[0]] = each.source
        return list(chosen), [replace(s, parameter=(*wanted.place, i)) for i, s in enumerate(chosen.values())]

    def _list(self, wanted: _Wanted) -> tuple[Any, list[Source]]:
        inner, place = _inner(wanted.parameter), wanted.place
        values, sources = [], []
        for index in range(wanted.draw.randint(1, 3 if inner.kind in ("number", "whole") else 2)):
            value, found = self._value(wanted.inside(inner, index))
            if value not in values:
                values.append(value)
                sources += [
                    replace(source, parameter=(*place, len(values) - 1, *source.parameter[len(place) + 1 :]))
                    for source in found
                ]
        return values, sources

    def _object(self, wanted: _Wanted) -> tuple[Any, list[Source]]:
        schema = wanted.parameter.schema
        values, sources = {}, []
        properties = schema.get("properties") or {}
        required = schema.get("required") or list(properties)[:1]
        for name, rule in properties.items():
            if name in required or wanted.draw.random() < OPTIONAL:
                (inner,) = parameters_of({"name": wanted.tool, "parameters": {"properties": {name: rule}}})
                values[name], found = self._value(wanted.inside(inner, name))
                sources += found
        return values, sources

    def _candidates(self, wanted: _Wanted) -> Iterator[Candidate]:
        tool, parameter = wanted.tool, wanted.parameter
        inner = _inner(parameter) if parameter.kind == "list" else parameter
        if parameter.options:
            known = [value for value in parameter.options if parameter.kind != "truth"]
            yield from (
                Candidate(value, Source((), "constant"), OPTION / len(parameter.options)) for value in parameter.options
            )
        else:
            known = None
        if parameter.kind == "truth":
            return
        given = self._values.get(f"{tool}.{parameter.name}", self._values.get(parameter.name, ()))
        yield from (Candidate(value, Source((), "user"), GIVEN / len(given)) for value in given)
        if parameter.kind in ("object",):
            return
        wrap = (lambda value: [value]) if parameter.kind == "list" else (lambda value: value)
        shown: set[Any] = set()
        for each in self._from_results(wanted, inner, strict=bool(given)):
            shown.add(each.value)
            if known is None or each.value in known:
                yield replace(each, value=wrap(each.value))
        for each in self._from_state(wanted, inner, strict=bool(given)):
            if each.value not in shown and (known is None or each.value in known):
                yield replace(each, value=wrap(each.value))
        if known is None and not given and parameter.kind != "list":
            weight = INVENTED if inner.kind == "text" else 1.0
            yield Candidate(invented(parameter.kind, wanted.draw), Source((), "user"), weight)

    def _from_results(self, wanted: _Wanted, inner: Parameter, strict: bool) -> Iterator[Candidate]:
        tool, parameter, scene = wanted.tool, wanted.parameter, wanted.scene
        edges = {(edge.source, edge.place): edge for edge in self.graph.feeders(tool, parameter.name)}
        for step, done in enumerate(scene.done):
            found: dict[float, list[Leaf]] = {}
            for leaf in done.leaves:
                if not fits(leaf.value, inner.kind):
                    continue
                edge = edges.get((done.call.name, leaf.pattern))
                alike = named_alike(done.call.name, leaf.pattern, parameter.name)
                if isinstance(leaf.value, str) and len(leaf.value.split()) > PHRASE and not (edge and edge.executed):
                    continue
                if edge:
                    weight = EDGE * EDGES_WEIGH if edge.executed else EDGE
                elif alike:
                    weight = NAMED
                elif strict:
                    continue
                else:
                    weight = SAME_KIND / 8 if inner.kind == "text" else SAME_KIND
                found.setdefault(weight, []).append(leaf)
            for weight, leaves in found.items():
                weight *= UNUSED if step in wanted.unused else 1.0
                for leaf in leaves:
                    yield Candidate(leaf.value, Source((), "result", step, leaf.path), weight / len(leaves))

    def _from_state(self, wanted: _Wanted, inner: Parameter, strict: bool) -> Iterator[Candidate]:
        tool, parameter, scene = wanted.tool, wanted.parameter, wanted.scene
        learnt = {
            each.place: each.worked / each.tried
            for each in self.graph.state_values
            if (each.target, each.parameter) == (tool, parameter.name)
        }
        matching = [leaf for leaf in scene.leaves() if fits(leaf.value, inner.kind) and leaf.value not in NOTHING]
        if strict:  # other values are known: a place of the state must say by its name that it has them, too
            matching = [leaf for leaf in matching if named_alike(tool, leaf.pattern, parameter.name)]
        known = [leaf for leaf in matching if leaf.pattern in learnt or named_alike(tool, leaf.pattern, parameter.name)]
        if known and inner.kind == "text":
            matching = known
        counts: dict[tuple[str, ...], int] = {}
        for leaf in matching:
            counts[leaf.pattern] = counts.get(leaf.pattern, 0) + 1
        for leaf in matching:
            weight = STATE / len(counts)
            if leaf.pattern in learnt:
                weight = KNOWN * learnt[leaf.pattern]
            elif named_alike(tool, leaf.pattern, parameter.name):
                weight = STATE_NAMED
            elif learnt or (inner.kind != "text" and len(matching) > 1):
                weight = STATE / 4 / len(counts)
            yield Candidate(leaf.value, Source((), "state", None, leaf.path), weight / counts[leaf.pattern])


def _beside(source: Source) -> tuple[object, ...]:
    """What sources of values that stand beside each other in one result have in common."""
    return source.step, *(part for part in source.path if not isinstance(part, int))


def _inner(parameter: Parameter) -> Parameter:
    """What a list's parameter holds, under the list's name."""
    schema = parameter.schema.get("items")
    if parameter.kind != "list" or not isinstance(schema, Mapping):
        return replace(parameter, kind="text" if parameter.kind == "list" else parameter.kind)
    return replace(parameter, kind=kind_of(schema), schema=schema, options=())


def invented(kind: Kind, draw: Random) -> Any:
    """A value that nothing knows of."""
    if kind == "whole":
        return draw.randint(1, 40)
    if kind == "number":
        return draw.randrange(1, 4000) / 20
    if kind == "truth":
        return draw.random() < 0.5
    if kind == "list":
        return [draw.choice(WORDS)]
    return {} if kind == "object" else f"{draw.choice(WORDS)} {draw.randrange(10, 99)}"
