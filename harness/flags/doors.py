"""The ways in to a record of settings: the options of a command, a file, the keywords of a function."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from functools import reduce, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, get_type_hints

import click

from harness.errors import UsageProblem, unknown_name
from harness.flags.fields import C, settings

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


def fields_named(record: Any, values: Mapping[Any, Any], what: str) -> dict[str, Any]:
    """Values by field, whatever spelling of a flag they came under.

    Args:
        record: The record's class.
        values: By a field's name, or a spelling of its flag without dashes in front; `-` and `_` are alike.
        what: For the message: what a name should have been.

    Returns:
        Values by field.

    Raises:
        UsageProblem: A name is unknown; near ones are offered.
    """
    known = settings(record)
    spellings = {flag.lstrip("-"): name for name, each in known.items() for flag in (each.spelt, *each.flag.names)}
    named = {}
    for spelling, value in values.items():
        name = str(spelling).replace("-", "_")
        field = name if name in known else spellings.get(name.replace("_", "-"))
        if field is None:
            raise unknown_name(what, name, known)
        named[field] = value
    return named


def options(record: Any, *names: str, negatable: bool = False) -> Callable[[C], C]:
    """A decorator that gives a command an option for each field.

    Args:
        record: The record's class.
        *names: Only these fields.
        negatable: Whether flags that are off by default have a `--no-` spelling, too.

    Returns:
        The decorator.
    """
    wanted = [setting for name, setting in settings(record).items() if not names or name in names]
    return lambda command: reduce(lambda made, each: each.option(negatable)(made), reversed(wanted), command)


def config_option(read_values: Callable[[Any], Mapping[str, Any]], **attributes: Any) -> Callable[[C], C]:
    """A decorator that gives a command `--config`, whose values count after flags and environment variables.

    Args:
        read_values: From what the user gave to values by field.
        **attributes: As of `click.option`.

    Returns:
        The decorator.
    """

    def fill(ctx: click.Context, _: click.Parameter, given: Any) -> None:
        if given is not None:
            ctx.default_map = {**(ctx.default_map or {}), **read_values(given)}

    return click.option("--config", is_eager=True, expose_value=False, callback=fill, **attributes)


def read_file(record: Any, file: Path) -> dict[str, Any]:
    """Defaults for options from a YAML or JSON file.

    Args:
        record: The class of the settings.
        file: An object of values by field or flag.

    Returns:
        Values by field, as click takes defaults.

    Raises:
        UsageProblem: It cannot be read, names a setting that does not exist, or gives several values for one.
    """
    import yaml

    remedy = "Write YAML or JSON, for example `model: tiny`."
    try:
        data = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageProblem(f"--config {file} is not YAML: {error}", remedy) from None
    if not isinstance(data, dict):
        raise UsageProblem(f"--config {file} is not an object of settings", remedy)
    values = fields_named(record, data, f"setting in {file}")
    for name, value in values.items():
        setting = settings(record)[name]
        if setting.choices and isinstance(value, bool):  # what YAML makes of `on` and `off`
            values[name] = "on" if value else "off"
        elif setting.repeats and not isinstance(value, list):
            values[name] = [json.dumps(value, default=str) if isinstance(value, Mapping) else str(value)]
        elif not setting.repeats and isinstance(value, Mapping | list):
            raise UsageProblem(f"--config {file}: {name} cannot be {value!r}", "Give one value.")
    return values


def takes(
    record: Callable[P, T], lacks: Mapping[str, str] | None = None
) -> Callable[[Callable[[T], R]], Callable[P, R]]:
    """A decorator for a function of a record: its fields become the function's parameters.

    Type checkers and editors read the parameters from the record; when it is called, every spelling of a flag will do,
    and None stands for the default.

    Args:
        record: The record's class.
        lacks: Names that a reader of the command line may expect -> why they are not there.

    Returns:
        The decorator. What it makes raises UsageProblem for names that are unknown and values that cannot be.
    """

    def decorate(function: Callable[[T], R]) -> Callable[P, R]:
        @wraps(function)
        def called(*args: P.args, **given: P.kwargs) -> R:
            for name, remedy in (lacks or {}).items():
                if given.pop(name, None):
                    raise UsageProblem(f"{function.__name__}() has no {name}", remedy)
            named: Any = fields_named(record, given, f"keyword of {function.__name__}()")
            return function(record(*args, **named))

        hints = get_type_hints(record)
        known = inspect.signature(record).parameters.values()
        result = inspect.signature(function).return_annotation
        parameters = [each.replace(annotation=hints[each.name]) for each in known]
        called.__signature__ = inspect.Signature(parameters, return_annotation=result)  # type: ignore[attr-defined]
        return called

    return decorate
