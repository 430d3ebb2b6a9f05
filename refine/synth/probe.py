"""Finds a graph by carrying out calls: nothing is believed that was not executed, but for edges that names suggest.

Every tool is tried in worlds of several seeds. A refusal that nothing known helps against is put to the other tools,
those that its text names first: does the same call go through afterwards, or fail for the next reason? What a call that
went through needed is then found by leaving out one earlier call at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from harness.types import FunctionCall
from refine.environments import Environment
from refine.synth.documents import words_of
from refine.synth.draw import Drawer
from refine.synth.feeds import Feeds, by_names
from refine.synth.graph import Graph, StateValue, alike, template
from refine.synth.leaves import Shape, visible
from refine.synth.needs import Needs
from refine.synth.plan import randomness
from refine.synth.reach import Reacher
from refine.synth.scene import Done, Refusal, Scene
from refine.synth.types import Source

SEEDS = 6
"""Worlds that every tool is tried in."""
COMPARED = 2
"""Worlds that are laid beside each other at least: with one, keys that are data cannot be told from fields."""
DRAWS = 8
"""Calls of a tool in each."""
AGAIN = 2
"""Times that a tool is reached in each world in later rounds."""
ROUNDS = 5
REASONS, SEARCHES = 6, 2
"""Reasons of refusals of a tool that helpers are looked for, and how often for each."""
NAMED, OTHERS = 10, 3
"""Calls of a helper that are tried where the refusal's text has its words, and where it has not."""
NAMED_WHOLE = 100.0
"""How much a tool's whole name in a refusal counts, beside its words."""
RANKED = 8
"""Helpers tried for a tool that is carried out at times anyway."""
REDRAWN = 3
"""Calls of the target with other arguments after a helper."""
DEEPEST, PARTIAL = 2, 3
"""Helpers that are looked for after a first one changed the reason, and how many first ones."""
STEM = 5


class Prober:
    """Finds the graph of one environment.

    Args:
        environment: The environment.
        values: Values to try, beside its own.
        seed: Of every choice.
        tell: Told what is being done.
        worlds: Worlds that every tool is tried in: fewer where one takes long to start.
    """

    def __init__(
        self,
        environment: Environment,
        values: Mapping[str, Sequence[Any]],
        seed: int = 0,
        tell: Callable[[str], None] = lambda text: None,
        worlds: int = SEEDS,
    ) -> None:
        self._worlds = worlds
        self._environment, self._seed, self._tell = environment, seed, tell
        self._tools = {tool["name"]: tool for tool in environment.tools()}
        self._shape = Shape.of([visible(self._state(number)) for number in range(max(worlds, COMPARED))])
        fields = {"/".join(place): tuple(sorted(keys)) for place, keys in sorted(self._shape.fields.items())}
        self.graph = Graph(environment.name, environment.digest, tuple(self._tools), fields=fields)
        self.graph.value_edges = list(by_names(self._tools))
        self._drawer = Drawer(environment.tools(), self.graph, {**environment.values, **values})
        self._reacher = Reacher(self._drawer, self.graph)
        self._needs = Needs(environment, self.graph)
        self._asked: dict[str, list[list[Any]]] = {}
        self._worked: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
        self._tried: Counter[tuple[str, str, tuple[str, ...]]] = Counter()

    def build(self) -> Graph:
        """Probe until a round reaches no further tool, then look for values that tools need."""
        for number in range(ROUNDS):
            before = len(self.graph.reached), len(self.graph.state_edges)
            for known in (known for asked in self._asked.values() for known in asked if known[1] <= SEARCHES):
                known[1] = 0
            for name in self._tools:
                self._tell(f"round {number + 1}: {name}")
                self._probe(name, number)
            self.graph.state_values = [
                StateValue(place, target, parameter, worked, self._tried[target, parameter, place])
                for (target, parameter, place), worked in sorted(self._worked.items())
                if worked
            ]
            if number and before == (len(self.graph.reached), len(self.graph.state_edges)):
                break
        self._find_feeds()
        self.graph.value_edges.sort(key=lambda edge: (edge.source, edge.target, edge.parameter, edge.place))
        self.graph.state_edges.sort(key=lambda edge: (edge.source, edge.target, edge.error))
        return self.graph

    def _find_feeds(self) -> None:
        targets = {name: self._tools[name] for name in self.graph.reached}
        feeds = Feeds(self._reacher, self._needs)
        for source in self.graph.reached:
            self._tell(f"values of {source}")
            scene = Scene(self._environment, 0, self._shape)
            feeds.find(scene, source, targets, randomness(self._seed, "values", source))
            scene.close()

    def _state(self, seed: int) -> Any:
        world = self._environment.fresh(seed)
        state = world.state()
        world.close()
        return state

    def _explain(self, scene: Scene) -> None:
        """A scene's last call went through."""
        self._needs.explain(scene)
        reached = {*self.graph.reached, *(done.call.name for done in scene.done)}
        self.graph.reached = tuple(name for name in self._tools if name in reached)

    def _probe(self, name: str, number: int) -> None:
        """Try a tool in several worlds, and look for helpers where it is refused."""
        for seed in range(self._worlds):
            draw = randomness(self._seed, number, name, seed)
            scene = Scene(self._environment, seed, self._shape)
            for _ in range(AGAIN if number else DRAWS):
                scene.rewind(0)
                before = len(scene.refused)
                if self._reach(scene, name, draw, bare=not number):
                    self._explain(scene)
                    self._count(name, scene.done[-1].sources, worked=True)
                for refusal in scene.refused[before:]:
                    self._count(refusal.call.name, refusal.sources, worked=False)
            scene.close()
            for refusal in scene.refused:
                self._ask(refusal, seed, draw)

    def _reach(self, scene: Scene, name: str, draw: Random, bare: bool) -> bool:
        """Reach a tool; bare, by one call in the world as it is."""
        if bare:
            return self._reacher.reach(scene, name, draw, depth=0, tries=1)
        return self._reacher.reach(scene, name, draw)

    def _count(self, target: str, sources: Sequence[Source], worked: bool) -> None:
        for source in sources:
            if source.kind == "state":
                key = (target, str(source.parameter[0]), self._shape.pattern(source.path))
                self._tried[key] += 1
                self._worked[key] += worked

    def _ask(self, refusal: Refusal, seed: int, draw: Random) -> None:
        """Look for what helps against the reason of a refusal, a few times a reason."""
        target, reason = refusal.call.name, template(refusal.text, refusal.call)
        reasons = self._asked.setdefault(target, [])
        known = next((asked for asked in reasons if alike(asked[0], reason)), None)
        if self.graph.helpers(refusal.call, refusal.text) or (known and known[1] >= SEARCHES):
            return
        if not known and len(reasons) >= REASONS:
            return
        if not known:
            reasons.append(known := [reason, 0])
        known[1] += 1
        if self._search(seed, list(refusal.before), refusal.call, [reason], draw, refusal.text):
            known[1] = SEARCHES + 1

    def _search(
        self, seed: int, before: list[Done], call: FunctionCall, reasons: list[str], draw: Random, error: str
    ) -> bool:
        """Call other tools before a call that was refused, those that the refusal's text names first.

        Args:
            seed: Of the world.
            before: Calls that were made already.
            call: The one that is refused.
            reasons: Why it was refused first, after a first helper, ... and now.
            draw: Where choices come from.
            error: The refusal's text.

        Returns:
            Whether it went through.
        """
        partial: list[tuple[list[Done], FunctionCall, str]] = []
        for helper, overlap in self._ranked(call.name, error):
            scene = Scene(self._environment, seed, self._shape)
            scene.replay(before)
            for _ in range(NAMED if overlap else OTHERS):
                if not self._reacher.reach(scene, helper, draw, depth=1, tries=8):
                    continue
                refused = self._goes_through(scene, call, draw, reasons)
                if refused is None:
                    self._explain(scene)
                    scene.close()
                    return True
                if not _known(reasons, *refused):
                    partial.append((list(scene.done), *refused))
                    break
            scene.close()
            if partial and overlap >= NAMED_WHOLE:
                break
        if len(reasons) > DEEPEST:
            return False
        later = [each for each in partial[:PARTIAL] if not self.graph.helpers(*each[1:])]
        return any(self._search(seed, done, c, [*reasons, template(text, c)], draw, text) for done, c, text in later)

    def _goes_through(
        self, scene: Scene, call: FunctionCall, draw: Random, reasons: Sequence[str]
    ) -> tuple[FunctionCall, str] | None:
        """None where a call is carried out, as it is or drawn anew; else a call with its refusal, for a new reason."""
        outcome = scene.attempt(call)
        if not outcome.error:
            return None
        refused = (call, outcome.text)
        for _ in range(REDRAWN):
            again, sources = self._drawer.call(call.name, scene, draw)
            outcome = scene.attempt(again, sources)
            if not outcome.error:
                return None
            if _known(reasons, *refused):
                refused = (again, outcome.text)
        return refused

    def _ranked(self, target: str, error: str) -> list[tuple[str, float]]:
        """Other tools, those that an error's text names first; fewer for a tool that is reached anyway."""
        said = {word[:STEM] for word in words_of(error.replace("_", " "))}
        found = []
        for name, document in self._tools.items():
            named = {word[:STEM] for word in words_of(name)}
            told = {word[:STEM] for word in words_of(str(document.get("description", "")))}
            overlap = NAMED_WHOLE * (name in error) + 3.0 * len(said & named) + 0.5 * len(said & told)
            if name != target:
                found.append((name, overlap if overlap >= 1 else 0.0))
        found.sort(key=lambda each: -each[1])
        return found[:RANKED] if target in self.graph.reached else found


def _known(reasons: Sequence[str], call: FunctionCall, text: str) -> bool:
    """Whether a call was refused for one of some reasons."""
    reason = template(text, call)
    return any(alike(reason, earlier) for earlier in reasons)
