"""One synthesis: walks in an environment to conversations, with books, a cost limit and shards as `refine run` has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import HarnessError, UsageProblem
from harness.types import Example, FunctionCall, Message, Sampling
from refine.environments import Environment, open_environment
from refine.jobs import Watch, Work, budget, carry_out, check_cost_limit, over_limit, unwatched, work_through
from refine.questions import benchmark_questions
from refine.similar import Contamination
from refine.synth.converse import Rules, converse
from refine.synth.crew import Crew, open_crew, open_role
from refine.synth.leaks import ItemCalls
from refine.synth.plan import PlanSettings, weights_from
from refine.synth.roles import QUESTIONS
from refine.synth.values import FOLDER as VALUES
from refine.synth.values import write_values
from refine.synth.walk import Unwalkable
from refine.synth.walks import Walks, clear, write_graph
from refine.types import Item, Result, Way


@dataclass(frozen=True)
class Settings:
    """Everything that `refine synth run` can be told."""

    environment: str
    """As `refine.environments.open_environment` takes it."""
    output: Path
    crew: Crew
    conversations: int = 100
    """How many are planned."""
    plan: PlanSettings = field(default_factory=PlanSettings)
    """What they shall be like; its seed is that of the whole synthesis."""
    targets_from: Path | None = None
    """A recorded run: tools that its model failed with are targets more often."""
    graph: Path | None = None
    """A graph's file to walk by, instead of finding the graph."""
    environment_options: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Values to try, by `tool.parameter` or `parameter`; nothing is written for these."""
    benchmark_environments: bool = False
    """Whether environments of a benchmark may be used; what comes of them is marked."""
    max_attempts: int = 3
    """Attempts at a turn (K_max)."""
    max_queries: int = 3
    """Messages of a user that are written before a turn is given up."""
    votes: int = 1
    against: tuple[str, ...] = ()
    """Benchmarks whose words and calls no conversation may have."""
    sampling: Sampling = field(default_factory=lambda: Sampling(max_tokens=2048, seed=0))
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By model, as `harness.results.usage.parse_prices` gives them."""
    cost_limit: float | None = None
    overwrite: bool = False
    digest: str = ""
    """Of the environment; `settled` finds it out."""
    benchmark: str = ""
    """The benchmark whose own environment it is; `settled` finds it out."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        judges = self.crew.names("judge")
        if self.votes > 1 and self.votes > len(judges) and self.sampling.temperature == 0:
            raise UsageProblem(
                f"{self.votes} votes of {len(judges)} greedy judges repeat each other",
                "Name as many judges as votes, or give a temperature above 0.",
            )
        check_cost_limit(self.cost_limit, self.crew.everyone(), self.prices)

    @property
    def refused(self) -> tuple[str, ...]:
        """The benchmarks that conversations are held against: those named, and the environment's own."""
        return tuple(dict.fromkeys([*self.against, *([self.benchmark] if self.benchmark else [])]))

    def identity(self) -> dict[str, Any]:
        """What may not change between a run and its resume. More conversations may be asked for."""
        return {
            "environment": self.environment,
            "digest": self.digest,
            "plan": {each.name: _plain(getattr(self.plan, each.name)) for each in fields(self.plan)},
            "values": {name: list(values) for name, values in self.values.items()},
            "graph": files.sha256(self.graph) if self.graph else None,
            "roles": self.crew.identity(),
            "votes": self.votes,
            "max_attempts": self.max_attempts,
            "max_queries": self.max_queries,
            "against": sorted(self.refused),
            "sampling": asdict(self.sampling) | {"stop": list(self.sampling.stop)},
            "prompts": {stage: question.sha256 for stage, question in QUESTIONS.items()},
        }


def run(settings: Settings, watch: Watch = unwatched) -> dict[str, int]:
    """Synthesise; a run that was cut off goes on where it was.

    Args:
        settings: What to do.
        watch: Called with the live counts after each round of completions.

    Returns:
        Conversations by outcome, over all sessions; `left` are those that the cost limit kept from starting.

    Raises:
        RunIncomplete: The cost limit is reached before the first conversation.
    """
    settings = settled(settings)

    def work() -> int:
        prepare(settings, settings.output)
        return run_shard(settings, settings.output, watch=watch)

    return carry_out(settings, work)


def prepare(settings: Settings, folder: Path) -> None:
    """Write what all walks have in common, values first, unless the folder holds it.

    Args:
        settings: What will be run, settled.
        folder: The run's folder.

    Raises:
        RunIncomplete: The cost limit is reached.
    """
    if settings.overwrite:
        clear(folder)
    with ExitStack() as opened:
        environment = open_settled(settings)
        opened.callback(environment.close)
        folder.mkdir(parents=True, exist_ok=True)
        writer = open_role(settings.crew, "values", opened)
        known = {**environment.values, **settings.values}
        stop = budget(settings.cost_limit, settings.prices, folder / VALUES)
        written = write_values(folder, environment.tools(), known, settings.values, writer, settings.sampling, stop)
        if written is None:
            raise over_limit(settings.cost_limit, "not all values were written, and no conversation was started")
        write_graph(environment, written, folder, settings.graph)


def _plain(value: Any) -> Any:
    """A setting as JSON has it."""
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value


def settled(settings: Settings) -> Settings:
    """Settings with what the environment itself says."""
    environment = open_settled(settings)
    try:
        names = [str(tool["name"]) for tool in environment.tools()]
        weights = weights_from(settings.targets_from, names) if settings.targets_from else {}
        plan = replace(settings.plan, weights=weights)
        return replace(settings, plan=plan, digest=environment.digest, benchmark=environment.benchmark)
    finally:
        environment.close()


def run_shard(settings: Settings, folder: Path, shard: tuple[int, int] = (0, 1), watch: Watch = unwatched) -> int:
    """Synthesise every n-th conversation, as `work_through` does; `settings.output` is not written.

    Raises:
        UsageProblem: The environment is another one here.
    """

    def work(finished: set[int], opened: ExitStack) -> Work:
        environment = open_settled(settings)
        opened.callback(environment.close)
        if environment.digest != settings.digest:
            raise UsageProblem(f"{settings.environment} is another environment on this machine", "Copy its files.")
        walks = Walks(environment, settings.plan, settings.output)
        crew = open_crew(settings.crew, walks.found, environment.tools(), opened)
        rules = _rules(settings)
        items = (
            Item(n, f"{settings.plan.seed}-{n}", way_of(n, walks, environment, rules))
            for n in range(shard[0], settings.conversations, shard[1])
            if n not in finished
        )
        return Work(crew["reasoner"], items, crew, [settings.output / VALUES])

    return work_through(settings, folder, shard, work, watch)


def way_of(number: int, walks: Walks, environment: Environment, rules: Rules) -> Way:
    """A conversation on its way, from its walk on.

    Args:
        number: Of the conversation.
        walks: Finds its walk.
        environment: Where.
        rules: What it must keep to.

    Returns:
        What became of it; `dropped` at the stage `walk` where none was found.

    Yields:
        Questions; the answer is sent back.
    """
    nothing = Example(f"{walks.seed}-{number}", (), (), None, "")
    try:
        trace = walks.of(number)
    except Unwalkable as problem:
        return Result("dropped", "walk", str(problem), nothing)
    except HarnessError as problem:
        return Result("unjudged", "environment", str(problem), nothing)
    try:
        return (yield from converse(trace, environment, rules))
    finally:
        walks.forget(number)


def open_settled(settings: Settings) -> Environment:
    """The environment of a synthesis."""
    return open_environment(settings.environment, settings.environment_options, settings.benchmark_environments)


def _rules(settings: Settings) -> Rules:
    models = {role: ", ".join(names) for role, names in settings.crew.identity().items()}
    source = {"models": models, "environment_options": dict(settings.environment_options)}
    return Rules(settings.max_attempts, settings.max_queries, _objection(settings.refused), source)


def _objection(
    names: Sequence[str],
) -> Callable[[Sequence[Message], Sequence[Sequence[FunctionCall]]], str | None]:
    """What speaks against a conversation: words of a benchmark's questions, or calls of its items."""
    if not names:
        return lambda messages, calls: None
    said = Contamination(benchmark_questions(names))
    items = ItemCalls() if "bfcl" in names else None

    def objection(messages: Sequence[Message], calls: Sequence[Sequence[FunctionCall]]) -> str | None:
        why = said.objection(Example("", tuple(messages), (), None, ""))
        return why or (items.objection(calls) if items else None)

    return objection
