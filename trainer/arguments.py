"""A run's settings as transformers wants them, and what it says of them as errors of the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import torch
import transformers

from harness.errors import UsageProblem
from harness.text import one_line
from trainer.config import RunConfig

SAME = (
    *("output_dir", "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps"),
    *("learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay", "optim", "max_grad_norm", "seed"),
    *("bf16", "use_cpu", "deepspeed", "save_steps", "save_total_limit", "logging_steps"),
    *("adam_beta1", "adam_beta2", "adam_epsilon"),
)
"""Settings that transformers knows by the same name."""


def arguments(config: RunConfig, kind: Any = transformers.TrainingArguments, **more: Any) -> Any:
    """The configuration as transformers wants it.

    Args:
        config: The run.
        kind: The class of the arguments.
        **more: Settings that this class has besides.

    Returns:
        An object of that class.
    """
    settings: dict[str, Any] = {name: getattr(config, name) for name in SAME}
    # transformers refuses mixed precision where it finds no GPU, unless the CPU was asked for.
    settings["use_cpu"] |= config.bf16 and not torch.accelerator.is_available()
    if config.fsdp:
        # FSDP's own checkpointing: transformers' would gather each layer's weights once more.
        own = {"version": 2, "activation_checkpointing": config.gradient_checkpointing}
        settings |= {"fsdp": True, "fsdp_config": config.fsdp_config or own}
    known = {each.name for each in fields(kind)}
    name = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
    settings[name] = config.gradient_checkpointing and not config.fsdp
    return kind(
        **settings,
        report_to=_reporters(config.report_to),
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        save_strategy="steps",
        disable_tqdm=True,
        **more,
    )


def _reporters(text: str) -> list[str]:
    """Reporters by name; `auto` is tensorboard where it is installed.

    Raises:
        UsageProblem: One is unknown or not installed.
    """
    installed = transformers.integrations.get_available_reporting_integrations()
    if text == "auto":
        return [name for name in installed if name == "tensorboard"]
    named = [name.strip() for name in text.split(",") if name.strip() not in ("", "none")]
    if missing := [name for name in named if name not in installed]:
        raise UsageProblem(
            f"--report-to {', '.join(missing)}: no such reporter is installed here",
            f"Installed: {', '.join(installed) or 'none'}. `pip install` it, or give --report-to none.",
        )
    return named


@contextmanager
def settings_are_refused() -> Iterator[None]:
    """What transformers and peft do not know of a setting's value is the user's to mend."""
    try:
        yield
    except (ValueError, ImportError) as problem:
        raise UsageProblem(one_line(str(problem), 600), "`trainer run --help` has all settings.") from problem
