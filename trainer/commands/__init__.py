"""One module a sub-command, each exporting `command`. The fields of `TrainConfig` are the options of all of them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints

import click

from trainer.config import TrainConfig, read_recipe

ALIASES = {
    "model": ("-m", "--model-name-or-path"),
    "data": ("-d", "--dataset-name"),
    "output_dir": ("-o",),
    "per_device_train_batch_size": ("--batch-size",),
    "max_length": ("--max-seq-length",),
}
"""Further spellings of options, beside the field's name; `_` and `-` are alike."""


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each field of `TrainConfig`, and `--config`."""
    hints, help_texts = get_type_hints(TrainConfig), _docstrings()
    for each in reversed(fields(TrainConfig)):
        flag = each.name.replace("_", "-")
        kind = hints[each.name]
        given: dict[str, Any] = {
            "default": each.default,
            "show_default": each.default != "",
            "help": help_texts[each.name],
        }
        if kind is bool:
            command = click.option(f"--{flag}/--no-{flag}", each.name, **given)(command)
        else:
            plain = next((part for part in (int, float) if kind in (part, part | None)), str)
            command = click.option(f"--{flag}", *ALIASES.get(each.name, ()), each.name, type=plain, **given)(command)
    return click.option(
        "--config",
        is_eager=True,
        expose_value=False,
        callback=_defaults_from,
        metavar="FILE",
        help="Recipe: YAML of these settings, or a shipped one by name. Flags count before TRAINER_RUN_* variables, "
        "those before the recipe.",
    )(command)


def _defaults_from(ctx: click.Context, _: click.Parameter, name: str | None) -> None:
    if name:
        ctx.default_map = {**(ctx.default_map or {}), **read_recipe(name)}


def _docstrings() -> dict[str, str]:
    """The line under each field, which is its help."""
    body = ast.parse(inspect.getsource(TrainConfig)).body[0]
    assert isinstance(body, ast.ClassDef)
    texts: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            assert isinstance(field.target, ast.Name)
            texts[field.target.id] = " ".join(str(text.value.value).split())
    return texts
