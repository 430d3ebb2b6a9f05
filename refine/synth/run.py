"""One synthesis: walks in an environment to conversations, with books, a cost limit and shards as `refine run` has."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageProblem
from harness.types import Example, FunctionCall, Message, Sampling
from refine.environments import Environment, open_environment
from refine.jobs import budget, carry_out, check_cost_limit
from refine.judge import Answer
from refine.ledger import Ledger
from refine.pipeline import Pipeline, Tally
from refine.questions import benchmark_questions
from refine.similar import Contamination
from refine.synth.converse import Rules, converse
from refine.synth.crew import Crew, open_crew
from refine.synth.leaks import ItemCalls
from refine.synth.roles import QUESTIONS
from refine.synth.walks import Walks, WalkSettings
from refine.types import Ask, Item, Result, Way

NO_WALK = "no walk of the planned length was found"


@dataclass(frozen=True)
class Settings:
    """Everything that `refine synth run` can be told."""

    environment: str
    """As `refine.environments.open_environment` takes it."""
    output: Path
    crew: Crew
    conversations: int = 100
    """How many are planned."""
    walk: WalkSettings = field(default_factory=WalkSettings)
    environment_options: Mapping[str, Any] = field(default_factory=dict)
    benchmark_environments: bool = False
    """Whether environments of a benchmark may be used; what comes of them is marked."""
    seed: int = 0
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
            "seed": self.seed,
            "walk": self.walk.identity(),
            "roles": self.crew.identity(),
            "votes": self.votes,
            "max_attempts": self.max_attempts,
            "max_queries": self.max_queries,
            "against": sorted(self.refused),
            "sampling": asdict(self.sampling) | {"stop": list(self.sampling.stop)},
            "prompts": {stage: question.sha256 for stage, question in QUESTIONS.items()},
        }


def run(settings: Settings, watch: Callable[[Tally], None] = lambda tally: None) -> dict[str, int]:
    """Synthesise; a run that was cut off goes on where it was.

    Args:
        settings: What to do.
        watch: Called with the live counts after each round of completions.

    Returns:
        Conversations by outcome, over all sessions; `left` are those that the cost limit kept from starting.
    """
    settings = settled(settings)
    return carry_out(settings, lambda: run_shard(settings, settings.output, watch=watch))


def settled(settings: Settings) -> Settings:
    """Settings with what the environment itself says.

    Raises:
        UsageProblem: It belongs to a benchmark, and nobody said that this is wanted.
    """
    environment = _open(settings)
    try:
        return replace(settings, digest=environment.digest, benchmark=environment.benchmark)
    finally:
        environment.close()


def run_shard(
    settings: Settings,
    folder: Path,
    shard: tuple[int, int] = (0, 1),
    watch: Callable[[Tally], None] = lambda tally: None,
) -> int:
    """Synthesise every n-th conversation, with books of its own.

    Args:
        settings: What to do, settled; `output` is not written.
        folder: Where the books are.
        shard: Number of the shard, from 0, and how many there are.
        watch: Called with the live counts after each round of completions.

    Returns:
        Conversations that the cost limit kept from starting.

    Raises:
        UsageProblem: The environment is another one here.
    """
    with Ledger(folder, settings.identity() | {"shard": list(shard)}) as ledger, ExitStack() as opened:
        environment = _open(settings)
        opened.callback(environment.close)
        if environment.digest != settings.digest:
            raise UsageProblem(f"{settings.environment} is another environment on this machine", "Copy its files.")
        walks = Walks(environment, settings.walk, settings.seed, settings.output)
        crew = open_crew(settings.crew, walks.found, environment.tools(), opened)
        pipeline = Pipeline(
            crew["reasoner"],
            ledger,
            by_stage=crew,
            votes=settings.votes,
            sampling=settings.sampling,
            stop=budget(settings.cost_limit, settings.prices, ledger),
        )
        finished = ledger.finished()
        numbers = (n for n in range(shard[0], settings.conversations, shard[1]) if n not in finished)
        rules = _rules(settings)
        items = (Item(n, f"{settings.seed}-{n}", way_of(n, walks, environment, rules)) for n in numbers)
        for tally in pipeline.run(items, ledger.unfinished_calls(finished)):
            watch(tally)
        return sum(1 for _ in numbers) if pipeline.stopped else 0


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
    except HarnessError as problem:
        return Result("unjudged", "environment", str(problem), nothing)
    if trace is None:
        return Result("dropped", "walk", NO_WALK, nothing)
    try:
        return (yield from converse(trace, environment, rules))
    finally:
        walks.forget(number)


def _open(settings: Settings) -> Environment:
    environment = open_environment(settings.environment, settings.environment_options)
    if environment.benchmark and not settings.benchmark_environments:
        environment.close()
        raise UsageProblem(
            f"{settings.environment} is an environment of the benchmark {environment.benchmark}",
            "--benchmark-environments uses it all the same; what is trained on it is marked in leaderboards.",
        )
    return environment


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


@dataclass(frozen=True)
class Estimate:
    """What a run would cost at least (everything passes at once) and at most (every attempt is used up)."""

    conversations: int
    """Those with a walk."""
    calls: tuple[int, int]
    prompt_tokens: tuple[int, int]
    reply_tokens: tuple[int, int]
    by_model: Mapping[str, tuple[tuple[int, int], tuple[int, int]]]
    """Prompt and reply tokens at least and at most, by model."""
    stages: Mapping[str, int]
    """Calls at least, by stage."""


def estimate(settings: Settings, reply_tokens: int = 400) -> Estimate:
    """Walk, and count what would be asked, without asking anybody; a token is taken as four characters.

    Args:
        settings: What would be run.
        reply_tokens: What a reply of the reasoner is taken to be long; other roles a quarter of it.

    Returns:
        Lower and upper bounds.
    """
    from refine.synth.recite import recite

    settings = settled(settings)
    low: dict[str, list[int]] = {stage: [0, 0] for stage in QUESTIONS}
    with ExitStack() as opened:
        environment = _open(settings)
        opened.callback(environment.close)
        walks = Walks(environment, settings.walk, settings.seed, settings.output)
        found = 0
        for number in range(settings.conversations):
            if (trace := walks.of(number)) is None:
                continue
            found += 1
            for ask in _recited(
                converse(trace, environment, Rules()),
                lambda ask, trace=trace: recite(trace, environment.tools(), ask.stage, ask.material),  # type: ignore[misc]
            ):
                low[ask.stage][0] += settings.votes if ask.question.votes else 1
                size = len(ask.question.instructions) + sum(map(len, ask.material.values()))
                low[ask.stage][1] += (settings.votes if ask.question.votes else 1) * (size // 4)
            walks.forget(number)
    return _bounds(settings, found, low, reply_tokens)


def _recited(way: Way, answer: Callable[[Ask], Answer]) -> Iterator[Ask]:
    """All that a conversation asks where every reply is right."""
    said: Answer | None = None
    steps: Generator[Ask, Answer | None, Result] = way
    while True:
        try:
            ask = steps.send(said)
        except StopIteration:
            return
        yield ask
        said = answer(ask)


def _bounds(settings: Settings, found: int, low: Mapping[str, Sequence[int]], reply: int) -> Estimate:
    attempts, queries = settings.max_attempts, settings.max_queries
    turns = low["thought_judge"][0] / settings.votes  # asked once a turn
    factor = {"query": queries, "query_judge": queries, "tool": 1, "values": 1}
    most = {stage: [part * factor.get(stage, attempts) for part in pair] for stage, pair in low.items()}
    each = low["reasoner"][1] / max(low["reasoner"][0], 1)
    most["critic"] = [round(turns * (attempts - 1)), round(turns * (attempts - 1) * each)]
    by_model: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {}
    for stage in QUESTIONS:
        model = settings.crew.names("judge" if stage.endswith("_judge") else stage)[0]
        length = reply if stage == "reasoner" else reply // 4
        (p1, p2), (r1, r2) = by_model.get(model, ((0, 0), (0, 0)))
        a, b = low[stage], most[stage]
        by_model[model] = ((p1 + a[1], p2 + b[1]), (r1 + a[0] * length, r2 + b[0] * length))
    return Estimate(
        found,
        (sum(pair[0] for pair in low.values()), sum(pair[0] for pair in most.values())),
        (sum(pair[0][0] for pair in by_model.values()), sum(pair[0][1] for pair in by_model.values())),
        (sum(pair[1][0] for pair in by_model.values()), sum(pair[1][1] for pair in by_model.values())),
        by_model,
        {stage: pair[0] for stage, pair in low.items() if pair[0]},
    )
