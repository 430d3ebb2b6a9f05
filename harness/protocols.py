"""The four interfaces a plug-in can implement. They organise; nothing inherits from them.

Each module in `harness/benchmarks`, `harness/handlers`, `harness/handlers/dialects` and `harness/engines` exports
`PLUGIN`, one such object. It may leave out members that have a value here: `plugins.load` gives it that value, and
refuses one that lacks another member.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from harness.types import (
    Completion,
    EngineSettings,
    Episode,
    FunctionCall,
    Generation,
    ModelInfo,
    Prompt,
    Query,
    Reply,
    RequestKey,
    Sample,
    Sampling,
    Tool,
    Verdict,
)

Report = Callable[[str], None]
"""Takes one sentence about a line or file that cannot be used, and where it is."""

Play = Generator[Query, Reply, None]
"""A sample being played: yields what it wants answered, is sent the reply, ends when the sample is finished."""


Called = Callable[[str, Verdict, Sequence[int]], bool | None]
"""Category, verdict, and the turn of each reply (empty where not known) -> whether a call was read; None where none is
asked for, or nobody knows."""


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
    prepare: Callable[[Sequence[Sample[Any]]], Mapping[str, Any] | None] | None = None
    """Told the samples that are about to be played and judged, none where what is played is judged again; returns at
    once, with what the record of the run says of the sandbox, None where none is used."""
    parts: Callable[[Sequence[str]], Mapping[str, str]] | None = None
    """What else answers to items of some leaf categories depend on, such as the weights behind a search: digests by
    name. They are part of a run's identity."""
    text_only: tuple[str, ...] = ()
    """Leaf categories that vary how calls in text are asked for: they are N/A for handlers that do not tell it, with
    native calls or for base models."""
    scored: tuple[str, ...] = ()
    """Leaf categories that ask for likelihoods (`Query.scored`): they are N/A for engines that give none."""
    called: Called | None = None
    """Whether a judged reply that should hold a call holds one that can be read."""

    def tasks(self) -> Mapping[str, Sequence[str]]:
        """Every name `--tasks` accepts, with the leaf categories it stands for (a leaf stands for itself)."""

    part_sha256: Callable[[Sequence[str]], str] | None = None
    """The same for some leaf categories, where sets that have nothing to do with one another are in one benchmark."""

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
    """A model's convention: how it is asked, and how its reply is read.

    One that has a field `rules`, by which replies are read, is given those of the run.
    """

    name: str
    native: bool = False
    """Whether it writes calls itself, and does not leave them as text to the benchmark."""
    continues: bool = False
    """Whether it has text continued, without a chat and without the benchmark's words on how to call."""
    fit: Callable[[ModelInfo], tuple[Mapping[str, Any], str]] | None = None
    """Options that suit a model where the user named none, and why."""

    def matches(self, model: ModelInfo) -> str | None:
        """Why this handler fits the model, for `--handler auto`; None if it does not."""

    def render(self, query: Query) -> Prompt:
        """Ask in this model's convention."""

    def parse(self, generation: Generation, query: Query) -> Reply:
        """Read the reply to a query. Never raises: what cannot be read is a `problem`."""

    def write(self, reply: Reply) -> Written:
        """The inverse of `parse`: `parse(write(reply)) == reply` for every reply without a problem."""


class Dialect(Protocol):
    """How a family of models writes calls as text."""

    name: str
    families: tuple[str, ...]
    """Families of models that write so; a user may name one instead of the dialect."""
    keep_special_tokens: bool
    """Its marks are special tokens of the tokenizer: an engine that strips them would strip the marks."""
    underscore_names: bool
    """Tools are offered, and calls judged, with dots in their names replaced by underscores."""
    documents: str
    """How tools are offered: `openai`, in OpenAI's format; `plain` or `wrapped`, the benchmark's own documents, alone
    or each in `{"type": "function", "function": ...}`; `prompt`, plain for models best asked in prompting mode."""

    def matches(self, model: ModelInfo) -> str | None:
        """Why the model writes so; None where nothing says it."""

    def read(self, text: str, tools: Sequence[Tool] = (), rules: str = "strict") -> Reply:
        """Read a reply. Never raises: what should be a call and is none is the problem `bad_tool_call`.

        `strict` reads what a careful reader would, `upstream` what the official handler of the family reads; there
        `calls` is None where that one hands text to the benchmark's own decoder. `tools` give untyped values a type.
        """

    def write(self, calls: Sequence[FunctionCall]) -> str:
        """The calls as such a model writes them: `read(write(calls)).calls == calls`.

        Raises:
            ValueError: The dialect cannot write them.
        """

    def compose(self, think: str | None, text: str, calls: Sequence[FunctionCall]) -> tuple[str, str]:
        """A whole reply as such a model writes it: its thought, with all that is written after it, and the rest.

        Raises:
            ValueError: The dialect cannot write it.
        """


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
    scores: bool = False
    """Whether it says how likely a text is (`Prompt.scored`)."""
    layout: tuple[str, ...] = ()
    """Names of options that cannot change a reply; they are not part of a run's identity."""
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
