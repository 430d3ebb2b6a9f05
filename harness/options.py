"""From what a user typed to what is run: engine settings, sampling, tasks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from harness import plugins
from harness.errors import UsageProblem, unknown_name
from harness.flag_checks import batch_size, check_numbers, fault_limit, flag_of
from harness.plan import RunSpec, engine_name
from harness.selection import ids_by_benchmark, read_ids, resolve
from harness.types import EngineSettings, Sampling
from harness.usage import parse_prices

NEXT_PAIR = re.compile(r",(?=\s*[A-Za-z_][\w.-]*=)")
SETTINGS = {field.name for field in fields(EngineSettings)} - {"model", "options"}
WITHOUT_MODEL = ("replay", "scripted")
"""Engines that need no `--model`."""
LM_EVAL_NAMES = {
    "peft": "adapter",
    "max_gen_toks": "max_tokens",
    "num_concurrent": "concurrency",
    "base_url": "base_urls",
}
"""What lm-evaluation-harness calls some of our names."""
PRESETS = {
    "greedy": Sampling(),
    # What the official evaluator sends to models that it serves itself.
    "upstream": Sampling(temperature=0.001, max_tokens=4096),
}

SERVING = ("tp", "dp", "gpu_memory_utilization", "runner", "ray_address")
"""Flags that become options of the engines that list them in `flags`; the others refuse them."""
SAME_NAME = (
    *("handler", "repeats", "rules", "limit", "output", "resume"),
    *("retry_errors", "overwrite", "predict_only", "sample_timeout", "cost_limit"),
)
"""Flags that a `RunSpec` takes as they are."""


def specs(flags: Mapping[str, Any]) -> tuple[list[RunSpec], list[str]]:
    """The runs that a command line asks for, one for each benchmark that the tasks belong to.

    Args:
        flags: Values of `harness run`'s flags by name.

    Returns:
        The runs, and notes for the user.

    Raises:
        UsageProblem: Something is missing or misspelt.
    """
    if not flags["tasks"]:
        raise UsageProblem("--tasks is missing", "For example --tasks simple_python; `harness list tasks` shows all.")
    if flags["engine"] not in (known := plugins.names("engines")) and flags["engine"] != "auto":
        raise unknown_name("engine", flags["engine"], known)
    fault_limit(flags["fail_on_error"], 0)
    check_numbers({name: flags[name] for name in ("sample_timeout", "sandbox_memory", "cost_limit")})
    prices = parse_prices(flags["prices"]) if flags["prices"] else None
    if flags["cost_limit"] is not None and prices is None:
        raise UsageProblem("--cost-limit needs --prices", "For example --prices 0.15,0.60: USD for a million tokens.")
    served, engine, notes = settings(flags)
    chosen = {name: unescape(flags[name]) for name in ("think_prefix", "answer_delimiter", "dialect")}
    values = {name: flags[name] for name in ("temperature", "top_p", "max_tokens", "seed")}
    ids = (*split(flags["sample_ids"]), *(read_ids(flags["ids"]) if flags["ids"] else ()))
    tasks = resolve(split(flags["tasks"]))
    every = RunSpec(
        settings=served,
        benchmark="",
        categories=(),
        engine=engine,
        handler_options={option: value for option, value in chosen.items() if value is not None},
        prices=prices,
        sampling=sampling(flags["preset"], values | {"stop": flags["stop"] or None}, flags["gen_kwargs"]),
        **{name: flags[name] for name in SAME_NAME},
    )
    if every.repeats > 1 and not every.sampling.temperature:
        notes.append("note: greedy replies are the same in every repeat; give --temperature")
    by_benchmark = ids_by_benchmark(ids, tasks) if ids else dict.fromkeys(tasks, ())
    runs = [replace(every, benchmark=name, categories=tasks[name], ids=found) for name, found in by_benchmark.items()]
    return runs, notes


def as_base(runs: Iterable[RunSpec], model: str) -> list[RunSpec]:
    """The same runs of another model, without the first one's adapter, revision and tokenizer."""
    return [
        replace(run, settings=replace(run.settings, model=model, adapter=None, revision=None, tokenizer=None))
        for run in runs
    ]


def split(values: Iterable[str]) -> list[str]:
    """Names given by commas, by repeating a flag, or both."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def pairs(flag: str, values: Iterable[str]) -> dict[str, Any]:
    """Read `k=v,k2=v2`; values are YAML scalars (`2`, `true`, `null`), JSON lists or objects, and otherwise text.

    Args:
        flag: For the message.
        values: One a time the flag was given.

    Returns:
        Values by name, `-` in names turned to `_`.

    Raises:
        UsageProblem: A part has no `=`.
    """
    found = {}
    for pair in (pair for value in values for pair in NEXT_PAIR.split(value)):
        name, equals, text = pair.partition("=")
        if not equals:
            raise UsageProblem(f"{flag}: {pair!r} is not NAME=VALUE", f"Write {flag} name=value,other=value.")
        name = name.strip().replace("-", "_")
        found[LM_EVAL_NAMES.get(name, name)] = _scalar(text)
    return found


def _scalar(text: str) -> Any:
    try:
        if text.lstrip().startswith(("[", "{")):
            return json.loads(text)
        value = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return text
    return value if value is None or isinstance(value, bool | int | float | str) else text


def settings(flags: Mapping[str, Any]) -> tuple[EngineSettings, str, list[str]]:
    """Engine settings from the flags of a command.

    Args:
        flags: Values by the names of `EngineSettings`, with `model_args` (pairs), `engine`, and more that is ignored.

    Returns:
        The settings, the engine's name, and notes for the user.

    Raises:
        UsageProblem: There is no model, or a value is none.
    """
    given = {name: flags[name] for name in SETTINGS if flags.get(name) not in (None, ())}
    if template := given.get("chat_template"):
        given["chat_template"] = template.read_text("utf-8")
    given["chat_template_kwargs"] = pairs("--chat-template-kwargs", given.get("chat_template_kwargs", ()))
    if flags.get("thinking", "auto") != "auto":
        given["chat_template_kwargs"] |= {"enable_thinking": flags["thinking"] == "on"}
    options = pairs("--model-args", flags["model_args"])
    model, engine, notes = flags["model"], flags["engine"], []
    if model is None and engine in WITHOUT_MODEL:
        model = engine
    if model is None:
        raise UsageProblem("--model is missing", "Give a folder, a hub id, or `tiny`.")
    if "pretrained" in options:
        # The spelling of lm-evaluation-harness: the engine where the model should be.
        engine, model = model, str(options.pop("pretrained"))
        notes.append(f"note: read as --engine {engine} --model {model}")
    given |= {name: options.pop(name) for name in list(options) if name in SETTINGS}
    if "batch_size" in given:
        given["batch_size"] = batch_size(given["batch_size"])
    if isinstance(given.get("base_urls"), str):
        given["base_urls"] = (given["base_urls"],)
    check_numbers(given)
    options = _serving(flags, engine_name(engine, given.get("base_urls", ()))) | options
    return EngineSettings(model=model, options=options, **given), engine, notes


def _serving(flags: Mapping[str, Any], engine: str) -> dict[str, Any]:
    """Options from flags that only some engines have, by the engine's own names for them."""
    given = {name: flags[name] for name in SERVING if flags.get(name) not in (None, "local")}
    known = getattr(plugins.load("engines", engine), "flags", {}) if given else {}
    for name in given:
        if name not in known:
            takes = ", ".join(flag_of(other) for other in SERVING if other in known)
            remedy = (
                f"It takes {takes}." if takes else "It loads no model here; several servers are several --base-url."
            )
            raise UsageProblem(f"{flag_of(name)} is not for engine {engine}", remedy)
    check_numbers(given)
    return {known[name]: value for name, value in given.items()}


def sampling(preset: str, values: Mapping[str, Any], more: Sequence[str]) -> Sampling:
    """How tokens are chosen.

    Args:
        preset: A name of `PRESETS`, whose values the others replace.
        values: Values by the names of `Sampling`; None where the user said nothing.
        more: Pairs of `--gen-kwargs`.

    Returns:
        The sampling.

    Raises:
        UsageProblem: A name is unknown.
    """
    known = {field.name for field in fields(Sampling)}
    extra = pairs("--gen-kwargs", more)
    for name in extra:
        if name not in known:
            raise unknown_name("--gen-kwargs name", name, known)
    said = extra | {name: value for name, value in values.items() if value is not None}
    if "stop" in said:
        said["stop"] = (said["stop"],) if isinstance(said["stop"], str) else tuple(said["stop"])
    check_numbers(said)
    return replace(PRESETS[preset], **said)


def read_config(file: Path, known: Iterable[str]) -> dict[str, Any]:
    """Defaults for flags from a YAML or JSON file.

    Args:
        file: An object of values by flag, without its dashes.
        known: Names of all flags, with `_`.

    Returns:
        Values by name, with `_`.

    Raises:
        UsageProblem: It cannot be read, or names a flag that does not exist.
    """
    try:
        data = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageProblem(f"--config {file}: {error}", "It should be YAML or JSON, one flag a line.") from None
    if not isinstance(data, dict):
        raise UsageProblem(f"--config {file} is not an object of flags", "Write for example `model: tiny`.")
    values = {str(name).replace("-", "_"): value for name, value in data.items()}
    names = set(known)
    for name in values:
        if name not in names:
            raise unknown_name(f"flag in {file}", name, names)
    return values


def unescape(text: str | None) -> str | None:
    r"""A flag's text with `\n` and `\t` as a shell user types them."""
    return None if text is None else text.replace("\\n", "\n").replace("\\t", "\t")
