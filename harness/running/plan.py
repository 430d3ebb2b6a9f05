"""What a run would do, found out before anything is loaded: samples, handler, identity, the run to be continued.

A run is found again by its configuration: model, handler, engine settings, sampling, rules, samples, data and checker.
Batch size, concurrency, server addresses and the engine's layout (copies, GPUs, memory) are not part of it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import machine, models, plugins
from harness.errors import UsageProblem, unknown_name
from harness.protocols import Benchmark, DescribesModel, Engine, Handler, Session
from harness.results import provenance, store
from harness.running import users
from harness.running.asking import Convention, convention
from harness.running.selection import choose
from harness.running.users import UserSpec
from harness.types import (
    BenchmarkInfo,
    EngineInfo,
    EngineSettings,
    Key,
    MachineInfo,
    ModelInfo,
    RunRecord,
    Sample,
    Sampling,
    UserInfo,
)

LOG = logging.getLogger(__name__)
IDENTITY = ("tokenizer", "dtype", "device", "chat_template", "chat_template_kwargs")
"""Engine settings that can change a reply; so can its options, except those that it names as its `layout`."""

PROGRESS = ("left", "waiting")
"""What a record says of a benchmark that is not a part of a run's identity."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that makes a run."""

    settings: EngineSettings
    benchmark: str
    categories: tuple[str, ...]
    """Leaf categories, as `selection.resolve` gives them."""
    engine: str = "auto"
    handler: str = "auto"
    handler_options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the handler to replace."""
    sampling: Sampling = field(default_factory=Sampling)
    repeats: int = 1
    rules: str = "upstream"
    limit: str | None = None
    """`20`, `0.1` or `11-20` of each category."""
    ids: tuple[str, ...] = ()
    """Only these samples; empty for all."""
    output: Path = Path("results")
    resume: bool = True
    retry_errors: bool = True
    """On resume, play again what faulted."""
    overwrite: bool = False
    """Play everything again, in the folder of the run that would be continued."""
    predict_only: bool = False
    """Store replies without judging them."""
    sample_timeout: float | None = None
    """Seconds an episode may take."""
    prices: Mapping[str, float] | None = None
    """USD for a million tokens, `prompt` and `completion`."""
    cost_limit: float | None = None
    """USD; once they are spent, no further sample is started."""
    user: UserSpec | None = None
    """Who plays the user where a sample has one."""


class SharedEngine:
    """An engine that is opened when it is first needed, so that several runs can share it.

    Args:
        name: The plug-in's name, or `auto`.
        settings: How the model is served.
    """

    def __init__(self, name: str, settings: EngineSettings) -> None:
        self.name = engine_name(name, settings.base_urls)
        self.settings = settings
        self._session: Session | None = None

    def describe(self) -> ModelInfo:
        """What is known of the model; loads nothing."""
        plugin, settings = plugins.load("engines", self.name), self.settings
        if isinstance(plugin, DescribesModel):
            return plugin.describe(settings)
        return models.inspect(
            settings.model, adapter=settings.adapter, revision=settings.revision, offline=settings.offline
        )

    def session(self) -> Session:
        """The open session."""
        if self._session is None:
            self._session = plugins.open_engine(self.name, self.settings)
        return self._session

    def close(self) -> None:
        """Close it, if it was opened."""
        if self._session is not None:
            self._session.close()
            self._session = None


def engine_name(name: str, base_urls: Sequence[str]) -> str:
    """The engine that `auto` stands for."""
    return ("openai" if base_urls else "hf") if name == "auto" else name


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A run before anything is loaded: what would be played, and as what it would be recorded."""

    spec: RunSpec
    benchmark: Benchmark
    handler: Handler
    why: str
    """Why this handler."""
    samples: Mapping[str, Sample[Any]]
    """What is played, by id in the official order."""
    totals: Mapping[str, int]
    """Samples of each leaf category in the data set times repeats."""
    record: RunRecord
    folder: Path | None
    """The run to be continued."""
    user: UserSpec | None = None
    """Who plays the user; None where no sample has one."""

    @property
    def keys(self) -> list[Key]:
        """All episodes, one repeat after the other."""
        return [(name, repeat) for repeat in range(self.spec.repeats) for name in self.samples]

    def again(self, line: store.SampleLine) -> bool:
        """Whether a stored episode is to be played again."""
        return self.spec.overwrite or (self.spec.retry_errors and line.fault is not None)

    def left(self) -> list[Key]:
        """Episodes to be played."""
        lines = store.read_samples(self.folder) if self.folder else ()
        done = {line.key for line in lines if not self.again(line)}
        return [key for key in self.keys if key not in done]


def plan(spec: RunSpec, engine: SharedEngine) -> RunPlan:
    """Find out what a run would do.

    Args:
        spec: The run.
        engine: Its engine, not opened.

    Returns:
        The plan.

    Raises:
        UsageProblem: A name is unknown, or the model is not there.
    """
    benchmark: Benchmark = plugins.load("benchmarks", spec.benchmark)
    model, (_, handler, options, why) = asked_by(spec, engine)
    spec = replace(spec, handler_options=options)
    spec = _applicable(spec, benchmark, handler, plugins.load("engines", engine.name))
    everything = list(benchmark.load(spec.categories))
    known = {sample.id for sample in everything}
    for name in spec.ids:
        if name not in known:
            raise unknown_name("sample", name, known)
    samples = {sample.id: sample for sample in choose(everything, spec.limit, spec.ids)}
    if everything and not samples:
        raise UsageProblem(f"--limit {spec.limit} leaves no sample of {spec.benchmark}", "Give another range.")
    # What others only depend on has no verdict, and is not an item: played, it is taken off when its line has none.
    idle = {name for sample in everything for name in sample.after} - samples.keys()
    counted = Counter(sample.category for sample in everything if sample.id not in idle)
    totals = {name: n * spec.repeats for name, n in counted.items()}
    with_user = users.needed(benchmark, {sample.category for sample in samples.values()})
    user = users.demand(spec.user, with_user) if with_user else None
    record = _record(replace(spec, user=user), engine, benchmark, handler, model, tuple(samples))
    counts = Counter(sample.category for sample in samples.values())
    planned = {name: n * spec.repeats for name, n in counts.items()}
    record = replace(record, planned=planned, handler_reason=why)
    folder = _earlier(spec, record) if spec.resume or spec.overwrite else None
    return RunPlan(spec, benchmark, handler, why, samples, totals, record, folder, user)


def asked_by(spec: RunSpec, engine: SharedEngine) -> tuple[ModelInfo, Convention]:
    """What is known of a run's model, and how it will be asked.

    Args:
        spec: The run.
        engine: Its engine, not opened.

    Returns:
        The model and the convention.

    Raises:
        UsageProblem: A name is unknown, or the model is not there.
    """
    model = engine.describe()
    rendered = replace(model, chat_template=spec.settings.chat_template or model.chat_template)
    return model, convention(rendered, spec.handler, spec.handler_options, spec.rules)


def _applicable(spec: RunSpec, benchmark: Benchmark, handler: Handler, engine: Engine) -> RunSpec:
    """The run without categories that its handler or engine cannot be measured on.

    Raises:
        UsageProblem: None is left.
    """
    told = not (handler.native or handler.continues)
    idle = [name for name in spec.categories if not told and name in benchmark.text_only]
    why = "varies the prompt of models that write their calls as text", f"handler {handler.name} does not"
    spec = _without(spec, idle, why, "Give --handler prompt.")
    silent = [name for name in spec.categories if name in benchmark.scored and not engine.scores]
    why = "asks how likely a text is", f"engine {engine.name} does not say"
    return _without(spec, silent, why, "Give --engine hf.")


def _without(spec: RunSpec, names: Sequence[str], why: tuple[str, str], remedy: str) -> RunSpec:
    """The run without categories that are N/A, which is told with its reason."""
    if not names:
        return spec
    told = f"{', '.join(names)}: N/A, it {why[0]}; {why[1]}"
    if len(names) == len(spec.categories):
        raise UsageProblem(told, remedy)
    LOG.warning("%s", told)
    return replace(spec, categories=tuple(name for name in spec.categories if name not in names))


def _record(
    spec: RunSpec, engine: SharedEngine, benchmark: Benchmark, handler: Handler, model: ModelInfo, ids: tuple[str, ...]
) -> RunRecord:
    about = BenchmarkInfo(
        name=benchmark.name,
        version=benchmark.version,
        data_sha256=(benchmark.part_sha256(spec.categories) if benchmark.part_sha256 else benchmark.data_sha256()),
        checker_sha256=provenance.checker_sha256(benchmark),
        parts=benchmark.parts(spec.categories) if benchmark.parts else {},
        categories=spec.categories,
        n=len(ids) * spec.repeats,
        limit=spec.limit,
        ids=spec.ids,
        samples_sha256=provenance.digest(ids),
    )
    settings, layout = _settings(engine)
    record = RunRecord(
        run_id="",
        started=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        status="running",
        model=model,
        benchmark=about,
        handler=handler.name,
        handler_options=spec.handler_options,
        engine=EngineInfo(engine.name, batch_size=engine.settings.batch_size, **settings),
        sampling=spec.sampling,
        rules=spec.rules,
        repeats=spec.repeats,
        code=provenance.code(),
        machine=MachineInfo(**machine.description(), layout=layout),
        config_sha256="",
        user=_user(spec.user),
    )
    return replace(record, config_sha256=_identity(spec, record, record.benchmark.checker_sha256))


def _settings(engine: SharedEngine) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of an engine that can change a reply, and the options that cannot."""
    chosen, layout = engine.settings.options, plugins.load("engines", engine.name).layout
    settings = {name: getattr(engine.settings, name) for name in IDENTITY}
    settings["options"] = {name: value for name, value in chosen.items() if name not in layout}
    return settings, {name: value for name, value in chosen.items() if name in layout}


def _user(spec: UserSpec | None) -> UserInfo:
    """The simulated user as the record has it."""
    if spec is None:
        return UserInfo()
    engine = SharedEngine(spec.engine, spec.settings)
    model = engine.describe()
    found = UserInfo(
        model=model.name,
        model_sha256=model.sha256,
        revision=model.revision,
        engine={"name": engine.name, **_settings(engine)[0]},
        sampling={**asdict(spec.sampling), "stop": list(spec.sampling.stop)},
        handler=users.HANDLER,
    )
    return replace(found, sha256=provenance.digest(asdict(found)))


def _identity(spec: RunSpec, record: RunRecord, checker: str | None) -> str:
    """Digest of the configuration: all that can change a reply, the samples and who judges them."""
    model, about, served = record.model, asdict(record.benchmark), asdict(record.engine)
    left_out = PROGRESS if about["parts"] else (*PROGRESS, "parts")  # runs of before there were any are found again
    identity = {
        "model": [model.name, model.sha256, model.revision, model.adapter],
        "benchmark": {name: about[name] for name in about if name not in left_out} | {"checker_sha256": checker},
        "handler": [record.handler, record.handler_options],
        "engine": [record.engine.name, {name: served[name] for name in (*IDENTITY, "options")}],
        "sampling": asdict(record.sampling),
        "rules": [record.rules, spec.predict_only],
        "repeats": record.repeats,
    }
    if record.user.sha256:
        identity["user"] = record.user.sha256
    return provenance.digest(identity)


def _earlier(spec: RunSpec, record: RunRecord) -> Path | None:
    """The run of this configuration that can be continued, perhaps begun by an earlier checker that judges alike."""
    checkers = provenance.EARLIER_CHECKERS.get(record.benchmark.name, ())
    identities = {record.config_sha256, *(_identity(spec, record, checker) for checker in checkers)}
    return store.find_same(spec.output, record.model, spec.benchmark, identities)
