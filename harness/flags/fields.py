"""The fields of a record of settings: what each is called, what it may be, and what its help says."""

from __future__ import annotations

import ast
import inspect
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import click

from harness.errors import UsageProblem, unknown_name

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
        span = f"from {least:g} to {most:g}" if math.isfinite(most) else f"of at least {least:g}"
        return self._refuse(value, f"Give {article} {span}.")

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
        # Of a class alone, inspect would find the end with the tokenizer, which takes five times as long.
        body = ast.parse(inspect.getsource(sys.modules[part.__module__])).body
        (found,) = (node for node in body if isinstance(node, ast.ClassDef) and node.name == part.__name__)
        for field, text in zip(found.body, found.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                assert isinstance(field.target, ast.Name)
                texts[field.target.id] = " ".join(str(text.value.value).split())
    return texts


def normalise(record: Any) -> None:
    """Make every field of a new record what `Setting.read` makes of it; for `__post_init__`.

    Args:
        record: Frozen, and nobody else has seen it.
    """
    kind: Any = type(record)
    for name, setting in settings(kind).items():
        object.__setattr__(record, name, setting.read(getattr(record, name)))
