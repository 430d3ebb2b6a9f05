"""How a model is asked: one rule for the handler, and a word where two models are asked in different ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness import handlers
from harness.protocols import Handler
from harness.types import ModelInfo


class Convention(NamedTuple):
    """What is decided of a model before it is loaded."""

    model: str
    """Its name."""
    handler: Handler
    options: Mapping[str, Any]
    """Of the handler."""
    why: str

    @property
    def told(self) -> str:
        """Handler and dialect, in a few words."""
        return " ".join(str(part) for part in (self.handler.name, self.options.get("dialect")) if part)


def convention(model: ModelInfo, name: str, options: Mapping[str, Any], rules: str) -> Convention:
    """Find out how a model is asked. There is one rule, whatever serves it:

    the handler that is named; `fc` where a dialect is; the one it was trained with, as its `train.json` says; one that
    knows it by its published name; `fc` where the chat template that is known takes tools; else `prompt`. Of a model
    behind a server only its name is known, unless `--tokenizer` or `--chat-template` says more.

    Args:
        model: What is known of it, with the template that will be used.
        name: The handler, or `auto`.
        options: What the user named of its options.
        rules: By which rules replies are read.

    Returns:
        The convention.

    Raises:
        UsageProblem: A name is unknown.
    """
    asked = options.get("dialect", "auto") != "auto"
    chosen, why = handlers.choose(model, asked) if name == "auto" else (name, "as asked")
    handler, fitting, fit = handlers.fitted(chosen, options, rules, model)
    return Convention(model.name, handler, fitting, f"{why}; {fit}" if fit else why)


def difference(sides: Sequence[Convention]) -> str | None:
    """Tell that models are asked in different ways, which by itself moves scores.

    Args:
        sides: One for each model.

    Returns:
        What differs and the remedy; None where they are asked alike.
    """
    if len({side.told for side in sides}) < 2:
        return None
    told = " and ".join(f"{side.model} is asked by {side.told} ({side.why})" for side in sides)
    return f"{told}: part of a difference may come from that. --handler NAME asks both alike"
