"""One module a handler. To add one: export `PLUGIN`, a `harness.protocols.Handler`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness import plugins
from harness.types import ModelInfo

GENERAL = ("funreason", "fc", "prompt")
"""Asked in this order, after handlers from elsewhere: those were installed for a particular model."""


def choose(model: ModelInfo, dialect: bool = False) -> tuple[str, str]:
    """Find the handler that fits a model, for `--handler auto`.

    Args:
        model: What is known of it before it is loaded.
        dialect: The user named the dialect of its calls.

    Returns:
        The handler's name, and why it fits.
    """
    if dialect:
        return "fc", "a dialect is asked for"
    names = plugins.names("handlers")
    if model.handler in names:
        return model.handler, "it was trained with it"
    for name in [*(name for name in names if name not in GENERAL), *GENERAL]:
        reason: str | None = plugins.load("handlers", name).matches(model)
        if reason:
            return name, reason
    raise AssertionError("the prompt handler fits every model")


def fitted(name: str, options: Mapping[str, Any], rules: str, model: ModelInfo) -> tuple[Any, dict[str, Any], str]:
    """A handler with the options that suit a model, where the user named none.

    Args:
        name: The handler.
        options: What the user named; `auto` is nothing.
        rules: By which rules replies are read.
        model: What is known of it before it is loaded.

    Returns:
        The handler, all its options, and why these; the reason is empty where there is nothing to say.
    """
    given = {option: value for option, value in options.items() if value != "auto"}
    handler = plugins.handler(name, given, rules)
    found, why = handler.fit(model) if hasattr(handler, "fit") else ({}, "")
    return plugins.handler(name, given | dict(found), rules), given | dict(found), why
