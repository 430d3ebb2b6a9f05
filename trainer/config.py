"""Every setting of a training run, once: the fields below are the flags of `trainer run` and the keys of a recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from harness.errors import UsageProblem, unknown_name
from harness.flags.doors import read_file
from harness.flags.fields import Flag, Names
from trainer.losses import LossSettings

RECIPES = Path(__file__).parent / "recipes"
PATHS_AND_REPORTS = (
    *("output_dir", "resume", "resume_from_checkpoint", "overwrite", "save_steps", "save_total_limit"),
    *("eval_tasks", "eval_every", "eval_limit", "logging_steps", "report_to"),
)
"""Settings that do not change what is learnt: a run may be continued with others."""

CHOICES = {
    "overlong": ("drop", "truncate"),
    "turns": ("all", "last"),
    "dtype": ("float32", "bfloat16", "float16"),
}

_LOSS = LossSettings()


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What `trainer run` needs to know. Names are those of transformers and TRL where they have one."""

    model: Annotated[str, Flag("-m", "--model-name-or-path")] = ""
    """Folder, hub id or `tiny`: the model to start from."""
    data: Annotated[Names, Flag("-d", "--dataset-name")] = ()
    """JSONL file or hub id of training data; repeated for several, each with a weight: a.jsonl:2."""
    output_dir: Annotated[str, Flag("-o")] = ""
    """Folder of the result and its checkpoints."""
    data_format: str = "auto"
    """example, xlam, openai, sharegpt, trl, alpaca, glaive, or auto to tell row by row."""
    columns: str = ""
    """Fields of other names, as in messages=dialog,tools=functions."""
    roles: str = ""
    """Speakers of other names, as in customer=user,agent=assistant."""
    limit: int | None = None
    """Rows to read at most."""
    handler: str = "funreason"
    """The convention to write replies in: it defines the think and result regions."""
    turns: str = "all"
    """all assistant turns of a conversation are learnt, or only the last."""
    max_length: Annotated[int, Flag("--max-seq-length")] = 4096
    """Longest record, and longest packed row, in tokens."""
    overlong: str = "drop"
    """drop longer records, or truncate them at their end."""
    packing: bool = False
    """Fill rows with several records that do not see each other."""
    share_prefix: bool = False
    """Read what the replies of a conversation have before them once for all of them."""
    loss: str = "msl"
    """sft, msl or ssb."""
    alpha: float = _LOSS.alpha
    """Weight of the think region; ssb starts there."""
    mean: str = _LOSS.mean
    """Region means per sample or per batch (msl, ssb)."""
    alpha_lr: float = _LOSS.alpha_lr
    """Learning rate of the learnable alpha's logit (ssb)."""
    alpha_min: float = _LOSS.alpha_min
    """Lower bound of the learnable alpha (ssb)."""
    alpha_max: float = _LOSS.alpha_max
    """Upper bound of the learnable alpha (ssb)."""
    alpha_pull: float = _LOSS.alpha_pull
    """Strength of the pull of alpha to its start (ssb)."""
    learning_rate: float = 1e-5
    """Peak learning rate."""
    lr_scheduler_type: str = "cosine"
    """As transformers names it."""
    warmup_steps: float = 0.03
    """Steps, or below 1 the part of all steps, in which the learning rate rises."""
    weight_decay: float = 0.0
    """AdamW's decoupled weight decay."""
    optim: str = "adamw_torch"
    """As transformers names it."""
    adam_beta1: float = 0.9
    """Decay of AdamW's mean of gradients."""
    adam_beta2: float = 0.999
    """Decay of AdamW's mean of squared gradients."""
    adam_epsilon: float = 1e-8
    """What AdamW adds to the denominator."""
    max_grad_norm: float = 1.0
    """Clip the gradient's norm; 0 leaves it."""
    num_train_epochs: float = 3.0
    """Passes over the data, where max_steps is not given."""
    max_steps: int = -1
    """Optimizer steps; overrides the epochs. 0 trains nothing: the model is saved as it is."""
    per_device_train_batch_size: Annotated[int, Flag("--batch-size")] = 1
    """Rows of a micro-batch on each device."""
    gradient_accumulation_steps: int = 1
    """Micro-batches of an optimizer step."""
    dtype: str = "float32"
    """Type of the weights while training; with bf16 they stay float32 and matrices multiply in bfloat16."""
    bf16: bool = False
    """Mixed precision."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass."""
    attn_implementation: str = "sdpa"
    """sdpa, eager, flash_attention_2, ..."""
    use_cpu: bool = False
    """Do not use a GPU."""
    use_peft: bool = False
    """Train a LoRA adapter instead of the model."""
    lora_r: int = 16
    """Rank of the adapter."""
    lora_alpha: int = 32
    """Scale of the adapter."""
    lora_dropout: float = 0.0
    """Dropout of the adapter."""
    lora_target_modules: str = "all-linear"
    """Modules to adapt, with commas; the output layer stays as it is."""
    use_rslora: bool = False
    """Scale the adapter by its rank's square root (rank-stabilised LoRA)."""
    use_dora: bool = False
    """Learn magnitude and direction of weights apart (DoRA)."""
    merge_adapter: bool = False
    """Where the model is an adapter: merge it into its base and train all weights, instead of continuing it."""
    deepspeed: str | None = None
    """DeepSpeed configuration file."""
    fsdp: bool = False
    """Shard weights, gradients and optimizer over the ranks (FSDP2)."""
    fsdp_config: str | None = None
    """FSDP configuration file, as transformers reads it."""
    seed: int = 42
    """Seed of everything."""
    save_steps: int = 500
    """Steps between checkpoints."""
    save_total_limit: int | None = 2
    """Checkpoints to keep."""
    resume: bool = True
    """Continue from the last whole checkpoint in output_dir. `--resume-from-checkpoint PATH` names another."""
    resume_from_checkpoint: str | None = None
    """Checkpoint folder to continue from."""
    overwrite: bool = False
    """Start anew in an output_dir that holds another run."""
    logging_steps: int = 1
    """Steps between lines of the log."""
    eval_tasks: str = ""
    """Harness tasks to score the running model on, as in `harness run --tasks`."""
    eval_every: int = 0
    """Steps between scores; 0 for none."""
    eval_limit: str = "50"
    """Samples of each category."""
    report_to: str = "auto"
    """Where transformers reports to: none, tensorboard, wandb, ...; auto: tensorboard where it is installed."""
    chat_template: str | None = None
    """Jinja file that replaces the model's chat template, and is saved with it."""
    trust_remote_code: bool = False
    """Run code that the model's folder brings."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The data sets, each with its weight where one is given."""
        return (self.data,) if isinstance(self.data, str) else tuple(self.data)

    @property
    def loss_settings(self) -> LossSettings:
        """The part that concerns the loss."""
        return LossSettings(**{each.name: getattr(self, each.name) for each in fields(LossSettings)})

    def identity(self) -> dict[str, Any]:
        """The settings that decide what is learnt; a checkpoint is continued only under equal ones."""
        settings = asdict(self) | {"data": list(self.sources)}
        return {name: value for name, value in settings.items() if name not in PATHS_AND_REPORTS}

    def check(self) -> TrainConfig:
        """Refuse what can be seen to be wrong before anything is loaded.

        Returns:
            Itself.

        Raises:
            UsageProblem: A setting is missing or out of range.
        """
        for name in ("model", "data", "output_dir"):
            if not getattr(self, name):
                raise UsageProblem(f"--{name.replace('_', '-')} is missing", "Give the flag, or the key in the recipe.")
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise unknown_name(f"--{name}", getattr(self, name), known)
        for name in ("max_length", "per_device_train_batch_size", "gradient_accumulation_steps", "save_steps"):
            if getattr(self, name) < 1:
                raise UsageProblem(f"--{name.replace('_', '-')} {getattr(self, name)} is not positive")
        if self.dtype == "float16":
            raise UsageProblem("--dtype float16 overflows while training", "Use --dtype bfloat16, or --bf16.")
        if not math.isfinite(self.learning_rate) or self.learning_rate < 0:
            raise UsageProblem(f"--learning-rate {self.learning_rate} is not a number of at least 0")
        if self.eval_every and not self.eval_tasks:
            raise UsageProblem("--eval-every needs --eval-tasks", "For example: --eval-tasks simple_python")
        return self


def read_recipe(name: str) -> Mapping[str, Any]:
    """A YAML or JSON file of settings; the name of a shipped recipe is enough.

    Args:
        name: Path, or name of a file in `trainer/recipes` without its ending.

    Returns:
        Settings by field name.

    Raises:
        UsageProblem: There is no such file, or it holds something that is not a setting.
    """
    shipped = {path.relative_to(RECIPES).with_suffix("").as_posix(): path for path in RECIPES.rglob("*.yaml")}
    path = shipped.get(name, Path(name))
    if not path.is_file():
        raise unknown_name("recipe", name, shipped)
    return read_file(TrainConfig, path)
