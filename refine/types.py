"""The records of data refinement: what is asked of a judge, and what became of an example."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from harness.types import Example
from refine.judge import Answer, Question

ExampleOutcome = Literal["kept", "dropped", "hard", "unjudged"]
"""`hard`: the answer check gave up; BalanceSFT keeps these for re-sampling (method: arXiv 2505.20192 v3)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a free check found wrong with an example, without asking anybody."""

    check: str
    """`decode`, `function`, `required`, `unexpected`, `type`, `enum`, `duplicate`, `near_duplicate`, `contaminated`."""
    message: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One question about one example. Yes-or-no questions are put to a vote, the others are asked once."""

    stage: str
    question: Question
    material: Mapping[str, str]
    """The parts of the example that the question sees, by heading."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a stage decided."""

    outcome: Literal["next", "kept", "dropped", "hard", "unjudged"]
    example: Example
    """The example, with a repaired answer where the stage repaired it."""
    reason: str = ""
    repairs: int = 0


Asking = Generator[Ask, Answer | None, Ruling]
"""A stage at work: yields questions, is sent answers (None = no readable judgement), returns its ruling."""


@dataclass(frozen=True, slots=True)
class Context:
    """The settings a stage may look at."""

    decisive: frozenset[str] = frozenset()
    """Names of the free checks that decide without the judge."""
    max_attempts: int = 3
    """Regenerations of an answer before giving up; unpublished in the paper."""
    findings: Sequence[Finding] = ()
    """What was found in the record as a whole and, in a stage, what the free checks found in the answer as it came."""

    def found(self, *checks: str) -> Finding | None:
        """The first finding of a decisive check among these, or None."""
        return next((f for f in self.findings if f.check in checks and f.check in self.decisive), None)


class Stage(Protocol):
    """One step of the refinement; each module in `refine/stages` exports `STAGE`."""

    name: str
    question: Question
    """What it asks the judge; a resumed run must ask the same."""

    def run(self, example: Example, context: Context) -> Asking:
        """Judge one example."""


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one example's way through the stages."""

    outcome: ExampleOutcome
    stage: str
    """The stage that decided; `end` for an example that passed them all."""
    reason: str
    example: Example
    repairs: int = 0
    findings: Sequence[Finding] = field(default_factory=tuple)


Way = Generator[Ask, Answer | None, Result]
"""An example on its way: yields questions, is sent answers (None = no readable reply), returns what became of it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One example that a pipeline works on."""

    index: int
    """In the source, from 0."""
    id: str
    way: Way
