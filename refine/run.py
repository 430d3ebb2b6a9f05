"""One refinement from a data set to its output files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from harness.data import examples as data
from harness.data.calls import answer_of
from harness.data.turns import turns
from harness.errors import UsageProblem
from harness.text import one_line
from harness.types import EngineSettings, Example, FunctionCall, Sampling
from refine import checks, similar, stages
from refine.jobs import Watch, Work, carry_out, check_cost_limit, open_judge, unwatched, work_through
from refine.judge import Answer, Judge, Question
from refine.questions import benchmark_questions
from refine.stages import score, write_cot
from refine.turns import begin
from refine.types import Ask, Context, Finding, Stage

DECISIVE = (*checks.ANSWER_CHECKS, "duplicate", "near_duplicate", "contaminated")


@dataclass(frozen=True)
class Settings:
    """Everything that `refine run` can be told."""

    input: str
    """JSONL file or hub id."""
    output: Path
    judges: tuple[str, ...]
    """Names of the judging models; vote k goes to judge k modulo their number."""
    engine: str = "openai"
    base_urls: tuple[str, ...] = ()
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int | None = None
    form: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    """Fields here -> those of the data set."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Further speakers -> roles here."""
    stages: str = "all"
    write_cot: bool = False
    threshold: float | None = None
    """Grade what passed, and keep what scores at least this much from 0 to 10; None grades nothing."""
    votes: int = 1
    max_attempts: int = 3
    decide: tuple[str, ...] = ()
    """Free checks that decide without the judge."""
    against: tuple[str, ...] = ()
    """Benchmarks whose questions count as contamination."""
    near_duplicates: float | None = None
    """Similarity from which examples are marked as near duplicates; None does not look for them."""
    limit: int | None = None
    sampling: Sampling = field(default_factory=lambda: Sampling(max_tokens=2048, seed=0))
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By model, as `harness.results.usage.parse_prices` gives them."""
    cost_limit: float | None = None
    timeout: float = 120.0
    """Seconds for one attempt at a judge's reply."""
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        unknown = set(self.decide) - set(DECISIVE)
        if unknown:
            raise UsageProblem(f"no free check {', '.join(sorted(unknown))}", f"Known: {', '.join(DECISIVE)}.")
        if self.votes > 1 and self.votes > len(self.judges) and self.sampling.temperature == 0:
            raise UsageProblem(
                f"{self.votes} votes of {len(self.judges)} greedy judges repeat each other",
                "Name as many judges as votes, or give a temperature above 0.",
            )
        check_cost_limit(self.cost_limit, self.judges, self.prices)

    def stage_list(self) -> tuple[Stage, ...]:
        """The stages of this run, in order."""
        first = (write_cot.STAGE,) if self.write_cot else ()
        last = () if self.threshold is None else (score.Score(self.threshold),)
        return (*first, *stages.load(self.stages), *last)

    def identity(self) -> dict[str, Any]:
        """What may not change between a run and its resume."""
        questions = {name: question.sha256 for name, question in sorted(stages.questions(self.stage_list()).items())}
        return {
            "input": self.input,
            "input_sha256": data.sha256(self.input),
            "judges": list(self.judges),
            "stages": [stage.name for stage in self.stage_list()],
            **({"columns": dict(self.columns)} if self.columns else {}),
            **({"roles": dict(self.roles)} if self.roles else {}),
            "votes": self.votes,
            "max_attempts": self.max_attempts,
            "threshold": self.threshold,
            "decide": sorted(self.decide),
            "against": sorted(self.against),
            "near_duplicates": self.near_duplicates,
            "sampling": asdict(self.sampling) | {"stop": list(self.sampling.stop)},
            "prompts": questions,
        }


def run(settings: Settings, watch: Watch = unwatched) -> dict[str, int]:
    """Refine a data set; a run that was cut off goes on where it was.

    Args:
        settings: What to do.
        watch: Called with the live counts after each round of completions.

    Returns:
        Examples by outcome, over all sessions of the run; `left` are those that the cost limit kept from starting.

    Raises:
        UsageProblem: Settings that cannot be meant, or that differ from the run in the output folder.
        DataError: The input cannot be read.
    """
    return carry_out(settings, lambda: run_shard(settings, settings.output, watch=watch))


def run_shard(settings: Settings, folder: Path, shard: tuple[int, int] = (0, 1), watch: Watch = unwatched) -> int:
    """Refine every n-th example, as `work_through` does; `settings.output` is not written."""

    def work(finished: set[int], opened: ExitStack) -> Work:
        examples = _screened(settings, folder, shard, finished)
        context = Context(frozenset(settings.decide), settings.max_attempts)
        return Work(open_judges(settings, opened), begin(examples, settings.stage_list(), context))

    return work_through(settings, folder, shard, work, watch)


def open_judges(settings: Settings, opened: ExitStack) -> list[Judge]:
    """Open one engine a judging model.

    Args:
        settings: Names the models and the engine.
        opened: Closes the sessions.

    Returns:
        The judges in the order of their names.
    """
    return [
        open_judge(
            settings.engine,
            EngineSettings(
                model=model,
                base_urls=settings.base_urls,
                api_key_env=settings.api_key_env,
                concurrency=settings.concurrency,
                request_timeout=settings.timeout,
                options=settings.engine_options,
            ),
            opened,
        )
        for model in settings.judges
    ]


def usable(settings: Settings, rejected: Callable[[data.Unusable], object]) -> Iterator[tuple[int, Example]]:
    """Numbered examples of the input.

    Args:
        settings: Names the input, its format and the limit.
        rejected: Called with each row that cannot be used.

    Yields:
        Index in the source, from 0, and the example.
    """
    rows = data.read(settings.input, settings.form, columns=settings.columns, roles=settings.roles)
    for index, row in islice(enumerate(rows), settings.limit):
        if isinstance(row, data.Unusable):
            rejected(row)
        else:
            yield index, row


@dataclass(frozen=True)
class Estimate:
    """What a run would cost at least (no answer is wrong) and at most (every answer is regenerated to the limit)."""

    examples: int
    calls: tuple[int, int]
    prompt_tokens: tuple[int, int]
    unusable: Mapping[str, int] = field(default_factory=dict)
    """Rows that are not records, by reason."""


def estimate(settings: Settings) -> Estimate:
    """Count calls and prompt tokens without asking anybody; a token is taken as four characters.

    Args:
        settings: What would be run.

    Returns:
        Lower and upper bounds.
    """
    chain = settings.stage_list()
    fewest = Context(frozenset(settings.decide), min(1, settings.max_attempts))
    most = Context(max_attempts=settings.max_attempts)
    examples, calls, tokens = 0, [0, 0], [0, 0]
    reasons: Counter[str] = Counter()
    for _, example in usable(settings, lambda row: reasons.update([one_line(row.reason, 200)])):
        examples += 1
        for bound, (context, verdict) in enumerate(((fewest, "yes"), (most, "no"))):
            for ask in _asked_of(example, chain, context, verdict):
                votes = settings.votes if ask.question.votes else 1
                calls[bound] += votes
                tokens[bound] += votes * (len(ask.question.instructions) + sum(map(len, ask.material.values()))) // 4
    return Estimate(examples, (calls[0], calls[1]), (tokens[0], tokens[1]), dict(reasons.most_common()))


def _asked_of(example: Example, chain: Sequence[Stage], context: Context, verdict: str) -> Iterator[Ask]:
    """What is asked of all turns of an example; earlier answers are not regenerated."""
    for place, turn in turns(example):
        last = place == len(example.messages)
        yield from _asked(turn, chain, context if last else replace(context, max_attempts=0), verdict)


def _asked(example: Example, chain: Sequence[Stage], context: Context, verdict: str) -> Iterator[Ask]:
    """What every stage asks of a judge whose verdict is always the same, and whose texts are a call."""
    for stage in chain:
        asking, answer = stage.run(example, context), None
        while True:
            try:
                ask = asking.send(answer)
            except StopIteration as end:
                example = end.value.example
                break
            yield ask
            answer = _made_up(ask.question, verdict, example)


def _made_up(question: Question, verdict: str, example: Example) -> Answer:
    """An answer that is valid under a question's schema; a new answer calls a tool, so that it is judged."""
    rules = question.schema["properties"]
    call = answer_of([FunctionCall(str(tool["name"]), {}) for tool in example.tools[:1]])
    return {
        name: verdict if "enum" in rule else call if rule["type"] == "string" else rule.get("minimum", 0)
        for name, rule in rules.items()
    }


def _screened(
    settings: Settings, folder: Path, shard: tuple[int, int], finished: set[int]
) -> Iterator[tuple[int, Example, Sequence[Finding]]]:
    """A shard's examples without an outcome, with what was found in each as a whole; duplicates count the whole source.

    Rows that cannot be used go to `unusable.jsonl` with the reason.
    """
    repeats = {"duplicate": similar.Duplicates().objection}
    if settings.near_duplicates is not None:
        repeats["near_duplicate"] = similar.NearDuplicates(settings.near_duplicates).objection
    contamination = similar.Contamination(benchmark_questions(settings.against))
    number, shards = shard
    with (folder / "unusable.jsonl").open("w", encoding="utf-8") as file:
        for index, example in usable(settings, lambda row: file.write(json.dumps(asdict(row)) + "\n")):
            found = [Finding(check, why) for check, objection in repeats.items() if (why := objection(example))]
            if index % shards == number and index not in finished:
                if why := contamination.objection(example):
                    found.append(Finding("contaminated", why))
                yield index, example, found
