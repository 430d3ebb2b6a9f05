"""One module a handler. To add one: export `PLUGIN`, a `harness.protocols.Handler`."""

from __future__ import annotations

from harness import plugins
from harness.types import ModelInfo

GENERAL = ("funreason", "fc", "prompt")
"""Asked in this order, after handlers from elsewhere: those were installed for a particular model."""


def choose(model: ModelInfo) -> tuple[str, str]:
    """Find the handler that fits a model, for `--handler auto`.

    Args:
        model: What is known of it before it is loaded.

    Returns:
        The handler's name, and why it fits.
    """
    names = plugins.names("handlers")
    if model.handler in names:
        return model.handler, "it was trained with it"
    for name in [*(name for name in names if name not in GENERAL), *GENERAL]:
        reason: str | None = plugins.load("handlers", name).matches(model)
        if reason:
            return name, reason
    raise AssertionError("the prompt handler fits every model")
