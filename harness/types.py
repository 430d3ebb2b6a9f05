"""The shared records: read this file and you know what flows through the program.

A `Benchmark` yields `Sample`s; playing one yields `Query`s; a `Handler` renders each to a `Prompt`; an `Engine` answers
with a `Generation`; the handler parses it to a `Reply`; the finished `Episode` is judged to `Verdict`s.
Standard library only, and no behaviour beyond the records themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar

Message = Mapping[str, Any]
"""One chat message: `role`, `content`, and for tools `tool_calls`, `tool_call_id`, `name` (OpenAI's field names)."""

Tool = Mapping[str, Any]
"""One function document in the benchmark's own dialect: `name`, `description`, `parameters`."""

Key = tuple[str, int]
"""An item of a run: sample id, repeat."""

Outcome = Literal["pass", "fail", "unscored"]
Finish = Literal["stop", "length", "overflow"]
Asked = Literal["model", "user"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One call. The name is the data set's name: a handler that renamed a tool restores it."""

    name: str
    arguments: Mapping[str, Any]
    """Keyword arguments by parameter name."""


@dataclass(frozen=True, slots=True)
class Sample(Generic[T]):
    """One item of a benchmark, read-only. Single turn means one element in `turns`."""

    id: str
    """The official id, unique in its benchmark."""
    category: str
    """The leaf category the id belongs to."""
    turns: tuple[tuple[Message, ...], ...]
    """Messages that open each turn."""
    tools: tuple[Tool, ...]
    """Function documents as the model is shown them."""
    target: T
    """What `check` needs; opaque to everything but the benchmark."""
    after: tuple[str, ...] = ()
    """Ids whose episodes must be finished first; they are handed to `play`."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Text that a base model continues; text and continuation together are its answer."""

    text: str
    stop: tuple[str, ...] = ()
    """What ends the continuation, and is not part of it."""


@dataclass(frozen=True, slots=True)
class Query:
    """A conversation that wants an answer."""

    messages: tuple[Message, ...]
    """All messages so far, in order; assistant messages hold the answer text of earlier replies."""
    tools: tuple[Tool, ...] = ()
    """Function documents in the benchmark's dialect."""
    instruction: str = ""
    """System text that explains the tools to a model without native tool calls; ignored where tools are native."""
    expects: Literal["calls", "text"] = "calls"
    """What the answer should be: function calls, or free text such as a program."""
    turn: int = 0
    """Index of the turn it belongs to, from 0; the step that answers it is recorded under it."""
    asks: Asked = "model"
    """Who is to answer: the model that is measured, or the one that plays its user."""
    opening: Opening | None = None
    """The same question for a model that continues text; None where its handler writes one of the conversation."""
    scored: str = ""
    """Text whose likelihood is asked for instead of an answer: as the next reply, or by itself where there are no
    messages."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What an engine is asked: a conversation, native tools, and text the reply is forced to start with."""

    messages: tuple[Message, ...]
    """Messages with the instruction already merged in."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Native tools in OpenAI's format (`{"type": "function", "function": {...}}`); empty in prompting mode."""
    prefix: str = ""
    """Appended after the generation prompt, for example `<think>\\n`; not repeated in the generation."""
    keep_special_tokens: bool = False
    """The reply's text keeps special tokens: its calls are marked by them."""
    raw: bool = False
    """The only message's text is continued as it is: no chat template, and the tokenizer adds its special tokens."""
    stop: tuple[str, ...] = ()
    """What ends the reply, beside the run's own stop strings."""
    schema: Mapping[str, Any] | None = None
    """JSON Schema of the reply; engines that support structured output enforce it, the others ignore it."""
    scored: str = ""
    """As in `Query`: nothing is generated, and the generation's `logprobs` are those of its tokens."""


@dataclass(frozen=True, slots=True)
class NativeCall:
    """A tool call as an engine returned it."""

    name: str
    arguments: str
    """JSON text, exactly as received."""


@dataclass(frozen=True, slots=True)
class Generation:
    """Exactly what the engine gave, and the only model output that is stored."""

    text: str
    """Text after the prompt's prefix, special tokens removed."""
    finish: Finish = "stop"
    """`length` marks a truncated reply; `overflow` a prompt that the model's context does not hold: `text` says so."""
    tool_calls: tuple[NativeCall, ...] | None = None
    """Native calls of a server that parses them; None where the engine returns text only."""
    reasoning: str | None = None
    """Thinking that a server returned apart from the text."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    """Wall-clock seconds from submission to completion."""
    cached_tokens: int | None = None
    """Of the prompt's tokens, those that the engine took from its prefix cache; None where it does not tell."""
    logprobs: tuple[float, ...] | None = None
    """Of a scored text, the natural logarithm of each token's probability; None where a reply was asked for."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A generation as a handler understands it."""

    think: str | None
    """Thinking without its tags; None where there was none."""
    text: str
    """The answer."""
    calls: tuple[FunctionCall, ...] | None = None
    """Native calls (`()` = none made); None means the benchmark decodes `text` in its own dialect."""
    problem: str | None = None
    """`unclosed_think`, `truncated`, `bad_tool_call`, ...: why the reply is not what the handler's format asks for."""


@dataclass(frozen=True, slots=True)
class Step:
    """One query and its answer."""

    turn: int
    """Index of the turn, from 0."""
    generation: Generation
    reply: Reply
    asked: Asked = "model"
    """Who answered."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One sample played to its end."""

    sample_id: str
    steps: tuple[Step, ...]
    fault: str | None = None
    """Why the episode could not be finished (server, engine, harness); a fault is never a score."""
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one episode in one category."""

    outcome: Outcome
    code: str | None = None
    """The upstream error type; None exactly when the outcome is `pass`."""
    message: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What a person needs to see why: decoded calls, the differing argument, a state difference. JSON values only.

    `credit`, 0 to 1, is what a graded judgement adds to its category instead of a whole pass or nothing.
    """


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen. The default is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 4096
    seed: int | None = None
    stop: tuple[str, ...] = ()


class RequestKey(NamedTuple):
    """Names one request for the life of a run, so that recorded and scripted engines can answer it."""

    sample_id: str
    repeat: int
    step: int


@dataclass(frozen=True, slots=True)
class Completion:
    """What an engine hands back: a generation, or the reason why there is none."""

    key: RequestKey
    generation: Generation | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model before it is loaded."""

    name: str
    """As the user typed it."""
    path: str | None = None
    """Local folder, where there is one."""
    revision: str | None = None
    sha256: str | None = None
    """Fingerprint of the weights, the tokenizer and the adapter; None for a remote server."""
    adapter: str | None = None
    chat_template: str | None = None
    architectures: tuple[str, ...] = ()
    handler: str | None = None
    """The handler whose replies it was trained on, where this project's trainer wrote that beside the weights."""
    gguf: str | None = None
    """Name of the GGUF file whose weights, dequantised, these are."""
    remote: bool = False
    """Behind a server that renders prompts by a template of its own, which cannot be read."""
    model_type: str | None = None
    """What `config.json` calls it."""
    marks: tuple[str, ...] = ()
    """Tokens of its tokenizer that look like marks of calls, such as `<|tool_call|>`."""
    environments: tuple[str, ...] = ()
    """Benchmarks in whose own environments this project's trainer trained it, as it says beside the weights."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Everything a user can say about how a model is served; engines refuse what they cannot honour."""

    model: str
    adapter: str | None = None
    revision: str | None = None
    tokenizer: str | None = None
    dtype: str = "auto"
    device: str = "auto"
    batch_size: int | None = None
    """None lets the engine choose."""
    concurrency: int | None = None
    """Requests in flight; None lets the engine choose."""
    base_urls: tuple[str, ...] = ()
    api_key_env: str = "OPENAI_API_KEY"
    request_timeout: float = 600.0
    """Seconds for one request."""
    chat_template: str | None = None
    """Template text that replaces the tokenizer's."""
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    trust_remote_code: bool = False
    offline: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """Engine-specific `--model-args`; unknown names are refused with near matches."""


@dataclass(frozen=True, slots=True)
class Score:
    """One category's result in one run."""

    n: int
    """Items of the category in the data set times repeats: the denominator of coverage."""
    judged: int
    """Items with a pass or fail: the denominator of the accuracy."""
    passed: float
    """Items that passed; the sum of their credit where judgements are graded."""
    unscored: int
    """Items that were played or tried and could not be judged."""
    truncated: int = 0
    overflowed: int = 0
    """Items that failed because a prompt of theirs did not fit the model's context."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How many replies of a category that should hold a call hold one that can be read."""

    asked: int
    """Judged replies that should hold a call; dialogues count once."""
    unread: int
    """Of these, the ones without a call that can be read."""
    beginnings: Mapping[str, int] = field(default_factory=dict)
    """How many of a sample of them begin so, the most frequent ones; empty where few are unread."""
    dialects: Mapping[str, int] = field(default_factory=dict)
    """How many of that sample a dialect reads whole, the best ones first."""
    sampled: int = 0
    """Size of that sample."""

    @property
    def readable(self) -> float | None:
        """Share of the replies that hold a readable call, 0..1; None where none should."""
        return 1 - self.unread / self.asked if self.asked else None


@dataclass(frozen=True, slots=True)
class BenchmarkInfo:
    """What was measured, and by which rules of judging."""

    name: str
    version: str | None = None
    """The plug-in's own; None where an imported run does not say."""
    data_sha256: str | None = None
    """Digest of the data that the samples come from."""
    checker_sha256: str | None = None
    """Digest of the sources that judge; see `results.provenance`."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Digests of what else its items depend on, by name: the weights behind a search."""
    categories: tuple[str, ...] = ()
    """Leaf categories."""
    n: int | None = None
    """Episodes that make the run: samples times repeats; None where an imported run does not say."""
    limit: str | None = None
    """As `--limit` was given."""
    ids: tuple[str, ...] = ()
    """As `--sample-id` and `--ids` were given; empty for all samples."""
    samples_sha256: str | None = None
    """Digest of the ids of all samples, in order."""
    left: int | None = None
    """Of `n`, the episodes that are not finished; None before the run has started."""
    waiting: int | None = None
    """Of `left`, those with replies that wait for the rest of them, or for a verdict."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What answered, and the settings of it that can change a reply."""

    name: str | None = None
    version: str | None = None
    """Of the engine as it opened; of several sessions joined by `; `."""
    batch_size: int | None = None
    """None lets the engine choose."""
    tokenizer: str | None = None
    dtype: str | None = None
    device: str | None = None
    chat_template: str | None = None
    """Template text that replaced the tokenizer's."""
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Engine-specific `--model-args`, without those of its layout."""


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """The code that measured."""

    git: str | None = None
    """Commit of the checkout; None outside one."""
    dirty: bool | None = None
    """Whether tracked files differed from that commit."""
    harness: str | None = None
    """Version of this package."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """Versions of installed distributions that can change a reply or a verdict."""


@dataclass(frozen=True, slots=True)
class MachineInfo:
    """The hardware: what explains timings and numerical differences."""

    platform: str | None = None
    """Operating system, as Python names it."""
    python: str | None = None
    """Version of Python."""
    cpu: str | None = None
    cores: int | None = None
    """Processors that the process may use."""
    memory_gb: float | None = None
    """Physical memory in GiB."""
    gpus: tuple[str, ...] = ()
    """Name, memory and driver of each."""
    layout: Mapping[str, Any] = field(default_factory=dict)
    """The engine's options that cannot change a reply: copies, GPUs, memory."""
    sandbox: Mapping[str, Any] | None = None
    """The backend that judged programs were run in, its layers and limits; None where none were."""


@dataclass(frozen=True, slots=True)
class UsageInfo:
    """What a run cost; None where a figure is not known. See `results.usage.account`."""

    latency_mean: float | None = None
    """Seconds a reply."""
    latency_p50: float | None = None
    """Median of the seconds a reply."""
    latency_p95: float | None = None
    """Seconds within which 95 % of the replies came."""
    latency_p99: float | None = None
    """Seconds within which 99 % of the replies came."""
    cache_hit_rate: float | None = None
    """Share of the prompts' tokens that came from the engine's prefix cache, 0..1."""
    samples_per_second: float | None = None
    tokens_per_second: float | None = None
    """Completion tokens."""
    gpu_hours: float | None = None
    """GPUs times hours; None on machines without, and for servers."""
    prices: Mapping[str, float] | None = None
    """USD for a million tokens, `prompt` and `completion`."""
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class ShardsInfo:
    """Of which runs a merged run was made."""

    runs: tuple[str, ...]
    """Their ids."""
    found: int
    """Shards that are there; attempts at one shard count once."""
    expected: int | None = None
    """Shards that there should be; None where no one said."""

    @property
    def told(self) -> str:
        """`2 of 4 shards`; empty where none is known to be missing."""
        return f"{self.found} of {self.expected} shards" if self.expected and self.found < self.expected else ""


@dataclass(frozen=True, slots=True)
class UserInfo:
    """The model that played the user of dialogues; all None where nobody did."""

    model: str | None = None
    """As the user of the harness typed it."""
    model_sha256: str | None = None
    """Fingerprint of its weights; None for a remote server."""
    revision: str | None = None
    engine: Mapping[str, Any] = field(default_factory=dict)
    """`name` and the settings that can change a reply."""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `Sampling`."""
    handler: str | None = None
    sha256: str | None = None
    """Digest of all that."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """`run.json`: enough to repeat a comparison or to refuse it."""

    run_id: str
    started: str
    """UTC, ISO 8601."""
    status: Literal["running", "complete", "incomplete"]
    model: ModelInfo
    benchmark: BenchmarkInfo
    handler: str
    engine: EngineInfo
    sampling: Sampling
    rules: str
    repeats: int
    code: CodeInfo
    machine: MachineInfo
    config_sha256: str
    """Identity of the configuration: the same command finds its run again by it."""
    scores: Mapping[str, Score] = field(default_factory=dict)
    readings: Mapping[str, Reading] = field(default_factory=dict)
    """By category; those whose replies need not be calls, or of which that is not known, are missing."""
    tokens: Mapping[str, int] = field(default_factory=dict)
    """`prompt` and `completion`, summed over all steps; `cached`, of the prompt's, where the engine tells; of the model
    that plays the user, `user_prompt` and `user_completion`."""
    seconds: float = 0.0
    """Wall-clock seconds over all sessions of the run, without the loading of the model."""
    handler_options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the handler that the user replaced, for example `think_prefix`, or that suit the model."""
    handler_reason: str = ""
    """Why this handler with these options; empty in records of an earlier version."""
    usage: UsageInfo = field(default_factory=UsageInfo)
    planned: Mapping[str, int] = field(default_factory=dict)
    """Of `benchmark.n`, the episodes of each category that samples are of; empty in records of an earlier version."""
    shards: ShardsInfo | None = None
    """Where `harness merge` made the run."""
    user: UserInfo = field(default_factory=UserInfo)


@dataclass(frozen=True, slots=True)
class Example:
    """One training example: the line that `refine` writes and `trainer` reads (JSONL)."""

    id: str
    messages: tuple[Message, ...]
    """Conversation up to the answer."""
    tools: tuple[Tool, ...]
    think: str | None
    """Chain of thought without tags."""
    answer: str
    """The answer text, usually a call list such as `[f(a=1)]`."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Where it came from: data set, id, and what was done to it."""
    said: str = ""
    """Text beside the calls of the answer; conventions that answer in calls alone leave it out."""
    weight: float = 1.0
    """Of the answer's loss, above 0 and at most 1; earlier turns carry theirs in their message."""
