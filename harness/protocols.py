"""The three interfaces a plug-in can implement. They organise; nothing inherits from them.

Each module in `harness/benchmarks`, `harness/handlers` and `harness/engines` exports `PLUGIN`, one such object. It may
leave out members that have a value here: `plugins.load` gives it that value, and refuses one that lacks another member.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from harness.types import (
    Completion,
    EngineSettings,
    Episode,
    Generation,
    ModelInfo,
    Prompt,
    Query,
    Reply,
    RequestKey,
    Sample,
    Sampling,
    Verdict,
)

Report = Callable[[str], None]
"""Takes one sentence about a line or file that cannot be used, and where it is."""

Play = Generator[Query, Reply, None]
"""A sample being played: yields what it wants answered, is sent the reply, ends when the sample is finished."""


class Benchmark(Protocol):
    """A set of samples with a way to play and to judge them."""

    name: str
    version: str
    check_workers: int = 0
    """Threads that may run `check` at once; 0 where judging is too quick to be worth a thread."""
    runs_programs: bool = False
    """Whether `check` runs programs that a model wrote: a sandbox for them is found before a model is loaded."""
    with_user: tuple[str, ...] = ()
    """Leaf categories whose plays ask a simulated user, too."""
    also_checked_by: tuple[str, ...] = ()
    """Packages outside its own whose code takes part in judging."""
    prepare: Callable[[Sequence[Sample[Any]]], Mapping[str, Any]] | None = None
    """Told the samples that are about to be played and judged, none where what is played is judged again; returns at
    once, with what the record of the run says of the sandbox."""

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """Every name `--tasks` accepts, with the leaf categories it stands for (a leaf stands for itself)."""

    def data_sha256(self) -> str:
        """Digest of the data that its samples come from; `DataError` where data is missing."""

    def load(self, categories: Sequence[str]) -> Iterable[Sample[Any]]:
        """Samples of the leaf categories in the official order; `DataError` where data is missing or damaged."""

    def play(self, sample: Sample[Any], before: Mapping[str, Episode]) -> Play:
        """Play one sample; `before` holds the finished episodes named in `sample.after`.

        Pure: the same replies give the same queries.
        """

    def check(self, sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        """Judge a finished episode without a fault. A pure function: category -> verdict; empty for unscored helpers.

        Most samples count in their own category only; a program can count in two (base and plus tests).
        """


class Written(NamedTuple):
    """A reply as a model would have to produce it, with the regions that a loss weighs. Offsets are in characters."""

    text: str
    """Complete assistant message, think prefix included, end-of-turn token not included."""
    think: tuple[int, int]
    """Half-open span of the think region, tags included; empty span where there is none."""
    answer: tuple[int, int]
    """Half-open span of the result region: everything after the think region."""


class Handler(Protocol):
    """A model's convention: how it is asked, and how its reply is read."""

    name: str

    def matches(self, model: ModelInfo) -> str | None:
        """Why this handler fits the model, for `--handler auto`; None if it does not."""

    def render(self, query: Query) -> Prompt:
        """Ask in this model's convention."""

    def parse(self, generation: Generation, query: Query) -> Reply:
        """Read the reply to a query. Never raises: what cannot be read is a `problem`."""

    def write(self, reply: Reply) -> Written:
        """The inverse of `parse`: `parse(write(reply)) == reply` for every reply without a problem."""


class Session(Protocol):
    """An opened engine. One thread feeds it; completions come back in any order."""

    version: str
    slots: int
    """How many requests are worth having in flight."""
    gpus: int | None = None
    """GPUs that it holds; None where that is not known, and then GPU-hours are not."""

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Queue one request. Returns at once."""

    def collect(self) -> Sequence[Completion]:
        """Block until at least one submitted request is finished or failed, and return all that are."""

    def close(self) -> None:
        """Free the model, stop servers it started. Safe to call twice."""


class Engine(Protocol):
    """Something that answers prompts."""

    name: str
    requires: tuple[str, ...] = ()
    """Packages that it imports once it is opened."""
    extra: str = ""
    """The extra of this project that installs them."""
    layout: tuple[str, ...] = ()
    """Names of options that cannot change a reply; they are no part of a run's identity."""
    flags: ClassVar[Mapping[str, str]] = {}
    """What it calls --tp, --dp, --gpu-memory-utilization, --runner and --ray-address: the option by the flag's name
    with `_`; a flag that is not named is refused."""

    def open(self, settings: EngineSettings) -> Session:
        """Load the model or connect. Raises `UsageProblem` for settings it cannot honour."""


@runtime_checkable
class DescribesModel(Protocol):
    """An engine whose model has no files here (a server, a recording, a script) describes it by itself."""

    def describe(self, settings: EngineSettings) -> ModelInfo:
        """What is known of the model without connecting or loading."""
