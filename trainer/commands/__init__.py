"""One module a sub-command, each exporting `command`. The fields of `TrainConfig` are the options of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.flags import doors
from trainer.config import TrainConfig, read_recipe


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each field of `TrainConfig`, and `--config`."""
    config = doors.config_option(
        read_recipe,
        metavar="FILE",
        help="Recipe: YAML of these settings, or a shipped one by name. Flags count before TRAINER_RUN_* variables, "
        "those before the recipe.",
    )
    return config(doors.options(TrainConfig, negatable=True)(command))
