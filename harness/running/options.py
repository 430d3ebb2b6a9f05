"""From a run's settings to what is run: engine settings, sampling, tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from harness import plugins
from harness.errors import UsageProblem, unknown_name
from harness.flags.fields import settings
from harness.results.usage import parse_prices
from harness.running import users
from harness.running.flag_checks import batch_size
from harness.running.pairs import pairs, split
from harness.running.plan import RunSpec, engine_name
from harness.running.selection import ids_by_benchmark, read_ids, resolve
from harness.running.settings import RunSettings
from harness.running.users import UserSpec
from harness.types import EngineSettings, Sampling

WITHOUT_MODEL = ("replay", "scripted")
"""Engines that need no `--model`."""
PRESETS = {
    "greedy": Sampling(),
    # What the official evaluator sends to models that it serves itself.
    "upstream": Sampling(temperature=0.001, max_tokens=4096),
}
SERVING = ("tp", "dp", "gpu_memory_utilization", "runner", "ray_address")
"""Settings that become options of the engines that list them in `flags`; the others refuse them."""


def specs(asked: RunSettings) -> tuple[list[RunSpec], list[str]]:
    """The runs that a user asks for, one for each benchmark that the tasks belong to.

    Args:
        asked: What was said.

    Returns:
        The runs, and notes for the user.

    Raises:
        UsageProblem: Something is missing or misspelt.
    """
    names = split(asked.tasks)
    if not names:
        raise UsageProblem("--tasks is missing", "For example --tasks simple_python; `harness list tasks` shows all.")
    if asked.engine not in (known := plugins.names("engines")) and asked.engine != "auto":
        raise unknown_name("engine", asked.engine, known)
    prices = parse_prices(asked.prices, str(asked.model or "")) if asked.prices else None
    if asked.cost_limit is not None and prices is None:
        raise UsageProblem("--cost-limit needs --prices", "For example --prices 0.15,0.60: USD for a million tokens.")
    served, engine, notes = engine_settings(asked)
    options = ("think_prefix", "answer_delimiter", "dialect", "num_fewshot")
    chosen = {name: getattr(asked, name) for name in options}
    ids = (*split(asked.sample_ids), *(read_ids(Path(asked.ids)) if asked.ids else ()))
    tasks = resolve(names)
    if "bfcl" in tasks:
        from harness.benchmarks.bfcl.agentic import encoder

        encoder.use(asked.memory_encoder)
    exact = {
        "settings": served,
        "engine": engine,
        "handler": _handler(asked),
        "handler_options": {name: unescape(value) for name, value in chosen.items() if value is not None},
        "sampling": sampling(asked),
        "user": _user(asked),
        "prices": prices,
    }
    every = RunSpec(**_said(asked, RunSpec) | exact | {"benchmark": "", "categories": (), "ids": ()})
    if every.repeats > 1 and not every.sampling.temperature:
        notes.append("note: greedy replies are the same in every repeat; give --temperature")
    by_benchmark = ids_by_benchmark(ids, tasks) if ids else dict.fromkeys(tasks, ())
    runs = [replace(every, benchmark=name, categories=tasks[name], ids=found) for name, found in by_benchmark.items()]
    return runs, notes


def _handler(asked: RunSettings) -> str:
    if asked.completion and asked.handler not in ("auto", "completion"):
        raise UsageProblem(f"--completion and --handler {asked.handler} exclude each other", "Give one of them.")
    return "completion" if asked.completion else asked.handler


def _user(asked: RunSettings) -> UserSpec | None:
    """Who plays the user, where a setting says so."""
    said = (asked.user_base_urls, asked.user_model_args, asked.user_gen_kwargs)
    if asked.user_model is None and asked.user_engine not in WITHOUT_MODEL:
        if any(said) or asked.user_engine != "auto":
            raise UsageProblem("--user-model is missing", "It names the model that simulates the user.")
        return None
    if asked.user_engine not in (known := plugins.names("engines")) and asked.user_engine != "auto":
        raise unknown_name("engine", asked.user_engine, known)
    alike = ("tasks", "device", "request_timeout", "offline", "trust_remote_code")
    shared = {name: getattr(asked, name) for name in alike}
    own = {name: getattr(asked, f"user_{name}") for name in ("model", "engine", "base_urls", "api_key_env")}
    own |= {"model_args": asked.user_model_args, "gen_kwargs": asked.user_gen_kwargs}
    user = RunSettings(**shared, **own)
    served, engine, _ = engine_settings(user)
    return UserSpec(served, engine, sampling(user, users.SAMPLING))


def _said(asked: RunSettings, record: Any) -> dict[str, Any]:
    """What was said of the fields that another record has under the same name."""
    shared = [each.name for each in fields(record) if each.name in settings(RunSettings)]
    return {name: value for name in shared if (value := getattr(asked, name)) not in (None, ())}


def as_base(runs: Iterable[RunSpec], model: str, prices: str | None = None) -> list[RunSpec]:
    """The same runs of another model, at its own prices, without the first one's adapter, revision and tokenizer."""
    own = parse_prices(prices, model) if prices else None
    return [
        replace(
            run,
            settings=replace(run.settings, model=model, adapter=None, revision=None, tokenizer=None),
            prices=own,
        )
        for run in runs
    ]


def engine_settings(asked: RunSettings) -> tuple[EngineSettings, str, list[str]]:
    """How the model is served.

    Args:
        asked: What was said; `--model-args` may name settings of every engine, too (`dtype=float16`).

    Returns:
        The settings, the engine's name, and notes for the user.

    Raises:
        UsageProblem: There is no model, or a value cannot be.
    """
    options = pairs("--model-args", asked.model_args)
    model, engine, notes = asked.model, asked.engine, []
    if model is None and engine in WITHOUT_MODEL:
        model = engine
    if model is None:
        raise UsageProblem("--model is missing", "Give a folder, a hub id, or `tiny`.")
    if "pretrained" in options:
        # The spelling of lm-evaluation-harness: the engine where the model should be.
        engine, model = str(model), str(options.pop("pretrained"))
        notes.append(f"note: read as --engine {engine} --model {model}")
    of_all = {each.name for each in fields(EngineSettings)} - {"model", "options"}
    asked = replace(asked, **{name: options.pop(name) for name in list(options) if name in of_all})
    given = _said(asked, EngineSettings) | {"model": str(model)}
    given["chat_template_kwargs"] = pairs("--chat-template-kwargs", asked.chat_template_kwargs)
    if asked.thinking != "auto":
        given["chat_template_kwargs"] |= {"enable_thinking": asked.thinking == "on"}
    if asked.chat_template is not None:
        given["chat_template"] = _template(Path(asked.chat_template))
    if asked.batch_size is not None:
        given["batch_size"] = batch_size(asked.batch_size)
    options = _serving(asked, engine_name(engine, tuple(asked.base_urls))) | options
    return EngineSettings(**given, options=options), engine, notes


def _template(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as problem:
        raise UsageProblem(f"--chat-template {file} is not text: {problem}", "Give a Jinja file in UTF-8.") from None


def _serving(asked: RunSettings, engine: str) -> dict[str, Any]:
    """Options from settings that only some engines have, by the engine's own names for them."""
    given = {name: value for name in SERVING if (value := getattr(asked, name)) not in (None, "local")}
    known = plugins.load("engines", engine).flags if given else {}
    spelt = {name: settings(RunSettings)[name].spelt for name in SERVING}
    given = {name: value for name, value in given.items() if name in known or value != 1}  # one copy is what there is
    for name in given:
        if name not in known:
            takes = ", ".join(spelt[other] for other in SERVING if other in known)
            remedy = (
                f"It takes {takes}." if takes else "It loads no model here; several servers are several --base-url."
            )
            raise UsageProblem(f"{spelt[name]} is not for engine {engine}", remedy)
    return {known[name]: value for name, value in given.items()}


def sampling(asked: RunSettings, preset: Sampling | None = None) -> Sampling:
    """How tokens are chosen: a preset, what `--gen-kwargs` replaces of it, and what flags of their own replace.

    Args:
        asked: What was said.
        preset: What holds where nothing was; by default the preset that was named.

    Returns:
        The sampling.

    Raises:
        UsageProblem: A name is unknown, or a value cannot be.
    """
    known = [each.name for each in fields(Sampling)]
    extra = pairs("--gen-kwargs", asked.gen_kwargs)
    for name in extra:
        if name not in known:
            raise unknown_name("--gen-kwargs name", name, known)
    return replace(preset or PRESETS[asked.preset], **_said(replace(asked, **extra), Sampling) | _said(asked, Sampling))


def unescape(value: Any) -> Any:
    r"""A flag's text with `\n` and `\t` as a shell user types them; a number as it is."""
    return value.replace("\\n", "\n").replace("\\t", "\t") if isinstance(value, str) else value
