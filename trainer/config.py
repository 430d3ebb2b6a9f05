"""Every setting of a training, once: the fields below are the flags of `trainer run` and the keys of a recipe.

`RunConfig` has what supervised fine-tuning and reinforcement learning (`trainer/rl/config.py`) share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Self

from harness.errors import UsageProblem, unknown_name
from harness.flags.doors import read_file
from harness.flags.fields import Flag, Names
from trainer.losses import LossSettings

RECIPES = Path(__file__).parent / "recipes"
PATHS_AND_REPORTS = (
    *("output_dir", "resume", "resume_from_checkpoint", "overwrite", "save_steps", "save_total_limit"),
    *("eval_tasks", "eval_every", "eval_limit", "logging_steps", "report_to"),
    *("data_cache", "preprocessing_num_workers", "eval_data"),
)
"""Settings that do not change what is learnt: a run may be continued with others."""
EVALUATIONS = ("eval_tasks", "eval_every", "eval_limit")
"""Those among them that do where the run follows its evaluations."""

_LOSS = LossSettings()


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What every training needs to know. Names are those of transformers and TRL where they have one."""

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
    modules_to_save: Annotated[str, Flag("--lora-modules-to-save")] = ""
    """Modules that are trained whole beside the adapter and saved with it, with commas: embed_tokens,lm_head."""
    load_in_4bit: bool = False
    """Hold the model's weights in 4 bits while an adapter is trained on them (QLoRA; extra `qlora`)."""
    bnb_4bit_quant_type: str = "nf4"
    """nf4 or fp4: how 4 bits stand for a weight."""
    use_bnb_nested_quant: bool = False
    """Quantise the scales of 4-bit weights, too."""
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
    eval_every: Annotated[int, Flag("--eval-steps")] = 0
    """Steps between scores, and between held-out losses; 0 for none."""
    eval_limit: str = "50"
    """Samples of each category."""
    metric_for_best_model: str = ""
    """What says which step is best: eval_loss where data is held out, else eval_score, or a category as eval/NAME."""
    early_stopping_patience: int = 0
    """Evaluations without a better one after which the run ends; 0 for never."""
    load_best_model_at_end: bool = False
    """The result is the best checkpoint instead of the last step."""
    report_to: str = "auto"
    """Where transformers reports to: none, tensorboard, wandb, ...; auto: tensorboard where it is installed."""
    chat_template: str | None = None
    """Jinja file that replaces the model's chat template, and is saved with it."""
    trust_remote_code: bool = False
    """Run code that the model's folder brings."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The data sets, each with its weight where one is given."""
        return as_names(self.data)

    def identity(self) -> dict[str, Any]:
        """The settings that decide what is learnt; a checkpoint is continued only under equal ones."""
        settings = asdict(self) | {"data": list(self.sources)}
        free = set(PATHS_AND_REPORTS) - set(EVALUATIONS if self.follows else ())
        return {name: value for name, value in settings.items() if name not in free}

    def check(self) -> Self:
        """Refuse what can be seen to be wrong before anything is loaded.

        Returns:
            Itself.

        Raises:
            UsageProblem: A setting is missing or out of range.
        """
        for name in ("model", "data", "output_dir"):
            if not getattr(self, name):
                raise UsageProblem(f"--{name.replace('_', '-')} is missing", "Give the flag, or the key in the recipe.")
        require_known(self, turns=("all", "last"), dtype=("float32", "bfloat16", "float16"))
        require_known(self, bnb_4bit_quant_type=("nf4", "fp4"))
        require_positive(self, "per_device_train_batch_size", "gradient_accumulation_steps", "save_steps")
        if self.dtype == "float16":
            raise UsageProblem("--dtype float16 overflows while training", "Use --dtype bfloat16, or --bf16.")
        if not math.isfinite(self.learning_rate) or self.learning_rate < 0:
            raise UsageProblem(f"--learning-rate {self.learning_rate} is not a number of at least 0")
        self._check_evaluation()
        return self

    @property
    def measured(self) -> bool:
        """Whether an evaluation has something to measure."""
        return bool(self.eval_tasks)

    @property
    def follows(self) -> bool:
        """Whether evaluations decide what the result is."""
        return bool(self.early_stopping_patience or self.load_best_model_at_end)

    def _check_evaluation(self) -> None:
        if self.eval_every < 0 or self.early_stopping_patience < 0:
            raise UsageProblem("--eval-every and --early-stopping-patience are not negative")
        if self.eval_every and not self.measured:
            raise UsageProblem(
                "--eval-every needs something to measure",
                "For example --eval-tasks simple_python, or for `trainer run` --eval-fraction 0.02.",
            )
        if (self.follows or self.metric_for_best_model) and not (self.eval_every and self.measured):
            raise UsageProblem(
                "--early-stopping-patience, --load-best-model-at-end and --metric-for-best-model go by evaluations",
                "Give --eval-every, and --eval-tasks or (for `trainer run`) --eval-data.",
            )


def as_names(value: Names | str) -> tuple[str, ...]:
    """Names that may be given as one text."""
    return (value,) if isinstance(value, str) else tuple(value)


def require_known(config: Any, **choices: Sequence[str]) -> None:
    """Hold settings against what they may be.

    Args:
        config: The settings.
        **choices: By the name of a setting.

    Raises:
        UsageProblem: One is something else.
    """
    for name, known in choices.items():
        if getattr(config, name) not in known:
            raise unknown_name(f"--{name.replace('_', '-')}", getattr(config, name), known)


def require_positive(config: Any, *names: str) -> None:
    """Refuse settings below 1.

    Raises:
        UsageProblem: One is.
    """
    for name in names:
        if getattr(config, name) < 1:
            raise UsageProblem(f"--{name.replace('_', '-')} {getattr(config, name)} is not positive")


@dataclass(frozen=True, slots=True)
class TrainConfig(RunConfig):
    """What `trainer run` needs to know besides."""

    max_length: Annotated[int, Flag("--max-seq-length")] = 4096
    """Longest record, and longest packed row, in tokens."""
    overlong: str = "drop"
    """drop longer records, or truncate them at their end."""
    eval_data: Annotated[Names, Flag("--eval-dataset-name")] = ()
    """Held-out data, as --data: its loss is measured every eval_every steps."""
    eval_fraction: float = 0.0
    """Part of the conversations to hold out, instead."""
    data_cache: str = "auto"
    """Folder that keeps what the tokenizer made of the data; auto is the user's cache folder, none keeps nothing."""
    preprocessing_num_workers: Annotated[int, Flag("--dataset-num-proc")] = 0
    """Processes that render and tokenise; 0 for one a processor where a file is large."""
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

    @property
    def loss_settings(self) -> LossSettings:
        """The part that concerns the loss."""
        return LossSettings(**{each.name: getattr(self, each.name) for each in fields(LossSettings)})

    def check(self) -> Self:
        """Refuse what can be seen to be wrong before anything is loaded.

        Returns:
            Itself.
        """
        RunConfig.check(self)  # `super()` knows the class as it was before it had slots
        require_known(self, overlong=("drop", "truncate"))
        require_positive(self, "max_length")
        if not 0 <= self.eval_fraction < 1:
            raise UsageProblem(f"--eval-fraction {self.eval_fraction} is not between 0 and 1", "For example 0.02.")
        if self.eval_data and self.eval_fraction:
            raise UsageProblem("--eval-data and --eval-fraction both say what is held out", "Give one of them.")
        if (self.eval_data or self.eval_fraction) and not self.eval_every:
            raise UsageProblem("held-out data needs --eval-every", "For example --eval-every 100.")
        return self

    @property
    def measured(self) -> bool:
        """Whether an evaluation has something to measure."""
        return bool(self.eval_tasks or self.eval_data or self.eval_fraction)

    @property
    def eval_sources(self) -> tuple[str, ...]:
        """The held-out data sets."""
        return as_names(self.eval_data)


def read_recipe(name: str, record: type[RunConfig] = TrainConfig) -> Mapping[str, Any]:
    """A YAML or JSON file of settings; the name of a shipped recipe is enough.

    Args:
        name: Path, or name of a file in `trainer/recipes` without its ending.
        record: Whose settings they are.

    Returns:
        Settings by field name.

    Raises:
        UsageProblem: There is no such file, or it holds something that is not a setting.
    """
    shipped = {path.relative_to(RECIPES).with_suffix("").as_posix(): path for path in RECIPES.rglob("*.yaml")}
    path = shipped.get(name, Path(name))
    if not path.is_file():
        raise unknown_name("recipe", name, shipped)
    return read_file(record, path)
