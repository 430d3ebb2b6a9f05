r"""One frozen record of settings makes the options of a command, the keys of a file and the keywords of a function.

A field is a setting. Its name is the flag (`--its-name`), the key and the keyword; its type says what is read and what
is refused; its default is the default; the docstring below it is the help. What these do not say stands in a `Flag`:

    repeats: Annotated[int, Flag("--epochs", "--n-samples", least=1)] = 1
    \"\"\"Replies to each sample.\"\"\"

`harness.running.settings.RunSettings` and `trainer.config.TrainConfig` are such records.
"""

from __future__ import annotations

import ast
import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache, cached_property, reduce, wraps
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import click

from harness.errors import UsageProblem, unknown_name

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
C = TypeVar("C", bound=Callable[..., Any])

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)

Names = str | Sequence[str]
"""One text or several: the flag is repeated."""
Pairs = Mapping[str, Any] | str | Sequence[str]
"""Values by name: a mapping, or texts that `harness.running.pairs.pairs` reads."""


class Flag:
    """What the name, type, default and docstring of a field do not say.

    Args:
        *names: Further spellings of the flag, with their dashes; `_` and `-` are alike.
        own: The flag itself, where it is not the field's name.
        section: Heading of the help; the fields that follow stand under it, too.
        least: Smallest number.
        most: Largest number. Where only the smallest is given, the help says so.
        type: click's type, for what the annotation does not say.
        metavar: What the help calls the value.
        hidden: Leave it out of the help.
    """

    def __init__(
        self,
        *names: str,
        own: str | None = None,
        section: str | None = None,
        least: float = -math.inf,
        most: float = math.inf,
        type: click.ParamType | None = None,
        metavar: str | None = None,
        hidden: bool = False,
    ) -> None:
        self.names, self.own, self.section = names, own, section
        self.least, self.most = least, most
        self.type, self.metavar, self.hidden = type, metavar, hidden


@dataclass(frozen=True)
class Setting:
    """A field of a record, read."""

    name: str
    hint: Any
    default: Any
    """None where the field has none."""
    help: str
    flag: Flag
    section: str

    @property
    def spelt(self) -> str:
        """The flag as it is typed."""
        return self.flag.own or f"--{self.name.replace('_', '-')}"

    @cached_property
    def kinds(self) -> set[Any]:
        """The types that the annotation names, without None and literals."""
        return {get_origin(part) or part for part in _parts(self.hint)} - {NoneType, Literal}

    @cached_property
    def choices(self) -> list[str]:
        """The values of a `Literal`."""
        return [choice for part in _parts(self.hint) if get_origin(part) is Literal for choice in get_args(part)]

    @property
    def repeats(self) -> bool:
        """Whether the flag is repeated to give several values."""
        return Sequence in self.kinds

    def option(self, negatable: bool) -> Callable[[C], C]:
        """The decorator that gives a command this option.

        Args:
            negatable: Whether a flag that is off by default has a `--no-` spelling, too.

        Returns:
            The decorator.
        """
        spellings = [self.spelt, *self.flag.names]
        if bool in self.kinds and (negatable or self.default):
            spellings[0] += f"/--no-{self.spelt.removeprefix('--')}"
        attributes: dict[str, Any] = {} if self.default is None else {"default": self.default}
        attributes |= {"is_flag": True} if bool in self.kinds else {"type": self._click_type()}
        return click.option(
            *spellings,
            self.name,
            show_default=self.default != "" and "[default:" not in self.help,
            multiple=self.repeats,
            help=self.help,
            metavar=self.flag.metavar,
            hidden=self.flag.hidden,
            **attributes,
        )

    def _click_type(self) -> click.ParamType:
        if self.choices:
            return click.Choice(self.choices)
        if self.kinds == {int} and math.isfinite(self.flag.least) and not math.isfinite(self.flag.most):
            return click.IntRange(int(self.flag.least))
        plain = click.INT if self.kinds == {int} else click.FLOAT if self.kinds == {float} else click.STRING
        return self.flag.type or plain

    def read(self, value: Any) -> Any:
        """A value as the record keeps it.

        Args:
            value: From a command line, a file or a caller.

        Returns:
            Text for what is text, a tuple for what can be repeated, the default for None; the rest as it is.

        Raises:
            UsageProblem: It is of another type, or out of bounds.
        """
        if value is None:
            return self.default
        if self.choices:
            if value not in self.choices:
                raise unknown_name(self.spelt, str(value), self.choices)
            return value
        if bool in self.kinds:
            return value if isinstance(value, bool) else self._refuse(value, "Give True or False.")
        if self.kinds <= {int, float}:
            return self._number(value)
        if self.repeats:
            return self._several(value)
        if self.flag.type is not None:
            try:
                return self.flag.type.convert(value, None, None)
            except click.UsageError as problem:
                raise UsageProblem(f"{self.spelt}: {problem.message}") from None
        return self._text(value)

    def _refuse(self, value: Any, remedy: str) -> Any:
        raise UsageProblem(f"{self.spelt} cannot be {value!r}", remedy)

    def _number(self, value: Any) -> Any:
        whole, (least, most) = self.kinds == {int}, (self.flag.least, self.flag.most)
        fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if fits and least <= value <= most:
            return value
        article = "a whole number" if whole else "a number"
        span = f" from {least:g} to {most:g}" if math.isfinite(most) else ""
        return self._refuse(value, f"Give {article}{span or (f' from {least:g} up' if math.isfinite(least) else '')}.")

    def _several(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return value if Mapping in self.kinds else self._refuse(value, "Give text, or a list of texts.")
        if isinstance(value, str) or not isinstance(value, Sequence):
            return (self._text(value),)
        return tuple(
            part if isinstance(part, Mapping) and Mapping in self.kinds else self._text(part) for part in value
        )

    def _text(self, value: Any) -> str:
        fits = isinstance(value, str | int | float | Path) and not isinstance(value, bool)
        return str(value) if fits else str(self._refuse(value, "Give text."))


def _parts(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


@cache
def settings(record: Any) -> dict[str, Setting]:
    """The settings of a record by name, in the order of its fields."""
    hints, texts = get_type_hints(record, include_extras=True), _docstrings(record)
    found: dict[str, Setting] = {}
    section = ""
    for each in fields(record):
        hint, *more = get_args(hints[each.name]) if get_origin(hints[each.name]) is Annotated else [hints[each.name]]
        flag = next((part for part in more if isinstance(part, Flag)), Flag())
        section = section if flag.section is None else flag.section
        default = None if each.default is MISSING else each.default
        found[each.name] = Setting(each.name, hint, default, texts.get(each.name, ""), flag, section)
    return found


def _docstrings(record: Any) -> dict[str, str]:
    """The line under each field, which is its help."""
    texts: dict[str, str] = {}
    for part in reversed(record.__mro__):
        if part is object:
            continue
        body = ast.parse(inspect.getsource(part)).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, text in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                assert isinstance(field.target, ast.Name)
                texts[field.target.id] = " ".join(str(text.value.value).split())
    return texts


def read(record: Any) -> None:
    """Make every field of a new record what `Setting.read` makes of it; for `__post_init__`.

    Args:
        record: Frozen, and nobody else has seen it.
    """
    kind: Any = type(record)
    for name, setting in settings(kind).items():
        object.__setattr__(record, name, setting.read(getattr(record, name)))


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
