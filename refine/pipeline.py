"""Drive many examples through the stages at once and keep the judges full.

Each example is a generator that yields questions and is sent answers. Each question becomes one call a vote; calls of
all examples are in flight together, up to the slots of the judges' engines. A new example starts when a slot is free,
so memory holds only what is in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from harness.results.usage import cost
from harness.types import Completion, Generation, RequestKey, Sampling
from refine.judge import AGAIN, Answer, Judge, combine
from refine.ledger import CallKey, Ledger
from refine.types import Ask, Item, Result

OTHER_SEED = 1000
"""Between the seeds of a question and of the same question asked again; more than there are votes."""


@dataclass
class Tally:
    """Live counts for the progress display."""

    outcomes: dict[str, int] = field(default_factory=dict)
    stages: dict[str, int] = field(default_factory=dict)
    """Finished examples by the stage that decided."""
    calls: dict[str, int] = field(default_factory=dict)
    """Calls by stage."""
    faults: int = 0
    tokens: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Prompt and completion tokens by model."""


@dataclass
class _Example:
    """One example on its way: the question it waits for, and the votes that have come in."""

    item: Item
    ask: Ask | None = None
    step: int = -1
    votes: dict[int, Answer | None] = field(default_factory=dict)
    again: dict[int, int] = field(default_factory=dict)
    """How often each vote's reply could not be read."""


class Pipeline:
    """The driver.

    Args:
        judges: Opened judges; vote k goes to judge k modulo their number, texts are written by the first.
        ledger: The log files.
        by_stage: Who is asked instead, by stage.
        votes: Calls for each yes-or-no question.
        sampling: How the judges sample; vote k adds k to the seed.
        stop: Asked before each new example; once true, the run ends with the examples that are in flight.
    """

    def __init__(
        self,
        judges: Sequence[Judge],
        ledger: Ledger,
        *,
        by_stage: Mapping[str, Sequence[Judge]] | None = None,
        votes: int = 1,
        sampling: Sampling | None = None,
        stop: Callable[[Tally], bool] = lambda tally: False,
    ) -> None:
        self.judges, self.ledger, self.by_stage = judges, ledger, by_stage or {}
        self.votes, self.sampling, self.stop = votes, sampling or Sampling(max_tokens=2048), stop
        self.tally = Tally()
        everyone = {id(judge): judge for some in (judges, *self.by_stage.values()) for judge in some}
        self._all = tuple(everyone.values())
        self._slots = sum(judge.session.slots for judge in self._all)
        self.stopped = False
        """Whether `stop` ended the run before the source did."""
        self._flying: dict[RequestKey, tuple[_Example, Judge]] = {}
        self._recorded: dict[CallKey, dict[str, Any]] = {}

    def run(self, items: Iterable[Item], recorded: dict[CallKey, dict[str, Any]] | None = None) -> Iterator[Tally]:
        """Work on examples.

        Args:
            items: Those without an outcome; each is taken when there is room for it.
            recorded: Calls of an earlier session that are not asked again.

        Yields:
            The counts, after each round of completions.
        """
        self._recorded = recorded or {}
        source = iter(items)
        more = True
        while more or self._flying:
            while more and len(self._flying) < self._slots and not self.stop(self.tally):
                more = self._start(next(source, None))
            if more and not self._flying and self.stop(self.tally):
                self.stopped = True
                break
            if self._flying:
                self._collect()
            self.ledger.sync()
            yield self.tally

    def _start(self, item: Item | None) -> bool:
        """Begin the next example; false when there is none."""
        if item is None:
            return False
        self._advance(_Example(item), None)
        return True

    def _advance(self, one: _Example, answer: Answer | None) -> None:
        """Send an example its answer, and submit what it asks next; recorded answers are not asked again."""
        while True:
            try:
                one.ask = one.item.way.send(answer)
            except StopIteration as end:
                self._finish(one, end.value)
                return
            one.step += 1
            one.votes, one.again = {}, {}
            for vote in range(self.votes if one.ask.question.votes else 1):
                self._call(one, vote)
            if self._waiting(one):
                return
            answer = self._decide(one)

    def _waiting(self, one: _Example) -> list[RequestKey]:
        """Keys of the example's calls that are in flight."""
        keys = (RequestKey(str(one.item.index), vote, one.step) for vote in range(self.votes))
        return [key for key in keys if key in self._flying]

    def _call(self, one: _Example, vote: int) -> None:
        """Take one vote from the log, or ask for it."""
        assert one.ask is not None
        if line := self._recorded.pop((one.item.index, one.step, vote), None):
            one.votes[vote] = line["read"]
            return
        self._submit(one, vote)

    def _submit(self, one: _Example, vote: int) -> None:
        """Ask for a vote; one whose reply could not be read in other words and with another seed."""
        assert one.ask is not None
        asked = self.by_stage.get(one.ask.stage, self.judges)
        judge = asked[vote % len(asked)]
        key = RequestKey(str(one.item.index), vote, one.step)
        self._flying[key] = (one, judge)
        again = one.again.get(vote, 0)
        seed = None if self.sampling.seed is None else self.sampling.seed + vote + again * OTHER_SEED
        prompt = one.ask.question.prompt(one.ask.material, again)
        judge.session.submit(key, prompt, replace(self.sampling, seed=seed))

    def _collect(self) -> None:
        """Wait for completions of every judge with calls in flight, write them down, go on with their examples."""
        for judge in self._all:
            if any(owner is judge for _, owner in self._flying.values()):
                for completion in judge.session.collect():
                    one, _ = self._flying.pop(completion.key)
                    vote = completion.key.repeat
                    one.votes[vote] = self._record(one, judge, completion)
                    unreadable = completion.generation and one.votes[vote] is None
                    if unreadable and one.again.get(vote, 0) < len(AGAIN):
                        one.again[vote] = one.again.get(vote, 0) + 1
                        self._submit(one, vote)
                    elif not self._waiting(one):
                        self._advance(one, self._decide(one))

    def _decide(self, one: _Example) -> Answer | None:
        """The answer to the question that all votes are in for."""
        return combine([one.votes[vote] for vote in sorted(one.votes)])

    def _record(self, one: _Example, judge: Judge, completion: Completion) -> Answer | None:
        """Write one call down and count it."""
        assert one.ask is not None
        generation = completion.generation or Generation("")
        read = one.ask.question.read(generation) if completion.generation else None
        self.tally.calls[one.ask.stage] = self.tally.calls.get(one.ask.stage, 0) + 1
        self.tally.faults += read is None
        prompt, done = self.tally.tokens.get(judge.model, (0, 0))
        self.tally.tokens[judge.model] = (prompt + generation.prompt_tokens, done + generation.completion_tokens)
        line = {
            "index": one.item.index,
            "step": completion.key.step,
            "vote": completion.key.repeat,
            "id": one.item.id,
            "stage": one.ask.stage,
            "question": one.ask.question.name,
            "prompt_sha256": one.ask.question.sha256,
            "model": judge.model,
            "read": read,
            "text": generation.text,
            "reasoning": generation.reasoning,
            "fault": completion.fault or (None if read is not None else f"unreadable reply ({generation.finish})"),
            "prompt_tokens": generation.prompt_tokens,
            "completion_tokens": generation.completion_tokens,
            "seconds": round(generation.seconds, 4),
        }
        self.ledger.append(self.ledger.calls, line)
        return read

    def _finish(self, one: _Example, result: Result) -> None:
        """Write one outcome down and count it."""
        self.tally.outcomes[result.outcome] = self.tally.outcomes.get(result.outcome, 0) + 1
        self.tally.stages[result.stage] = self.tally.stages.get(result.stage, 0) + 1
        line = {
            "index": one.item.index,
            "id": one.item.id,
            "outcome": result.outcome,
            "stage": result.stage,
            "reason": result.reason,
            "repairs": result.repairs,
            "findings": [asdict(finding) for finding in result.findings],
            "example": asdict(result.example),
        }
        self.ledger.append(self.ledger.outcomes, line)


def spent(tokens: Mapping[str, tuple[int, int]], prices: Mapping[str, Mapping[str, float]]) -> float:
    """USD for some tokens.

    Args:
        tokens: Prompt and completion tokens by model.
        prices: By model, as `harness.results.usage.parse_prices` gives them.

    Returns:
        The sum; models without a price count nothing.
    """
    return sum(
        cost({"prompt": prompt, "completion": completion}, prices[model])
        for model, (prompt, completion) in tokens.items()
        if model in prices
    )
