"""Every setting of `trainer rl`, once. Names are those of TRL's `GRPOConfig` where it has one, defaults the paper's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from harness.errors import UsageProblem
from harness.flags.fields import Flag
from trainer.config import RunConfig, require_positive

Method = Literal["egpo", "grpo"]
Rollouts = Literal["slots", "vllm-colocate", "vllm-server"]
LossType = Literal["grpo", "dapo", "dr_grpo"]


@dataclass(frozen=True, slots=True)
class RLConfig(RunConfig):
    """What `trainer rl` needs to know besides."""

    learning_rate: float = 1e-6
    """Peak learning rate."""
    lr_scheduler_type: str = "constant"
    """As transformers names it."""
    warmup_steps: float = 0.0
    """Steps, or below 1 the part of all steps, in which the learning rate rises."""
    num_train_epochs: float = 5.0
    """Passes over the data, where max_steps is not given."""
    save_steps: int = 50
    """Steps between checkpoints."""
    merge_adapter: Annotated[bool, Flag(hidden=True)] = False
    """Not for reinforcement learning: `trainer merge` first, the reference model is loaded from --model."""
    method: Method = "egpo"
    """egpo, or grpo without the bonus for entropy."""
    entropy_weight: Annotated[float, Flag("--lambda")] = 0.4
    """The paper's lambda: weight of the entropy bonus (egpo)."""
    entropy_bound: Annotated[float, Flag("--alpha")] = 2.0
    """The paper's alpha, above 1: the bonus is at most lambda / alpha of the advantage (egpo)."""
    reward: str = "exact"
    """exact: the reference's calls by value; bfcl: as BFCL judges, strictly; or one of your own."""
    needs_think: bool = True
    """A reply without a closed think block is wrong."""
    num_generations: int = 8
    """Replies to a question: a group."""
    max_prompt_length: int = 4096
    """Longest prompt in tokens; items with longer ones are left out."""
    max_completion_length: int = 8192
    """Longest reply in tokens; longer ones are cut off, and wrong."""
    temperature: float = 0.7
    """Of sampling; probabilities and entropies are taken under it, too."""
    top_p: float = 1.0
    """Of sampling."""
    beta: float = 0.001
    """Weight of the KL divergence from the model at the start; 0 needs no reference model."""
    loss_type: LossType = "grpo"
    """grpo: mean over replies of their token means; dapo: mean over all tokens; dr_grpo: sum over a constant."""
    scale_rewards: Literal["group", "none"] = "group"
    """Divide advantages by the group's standard deviation, or leave them."""
    epsilon: float = 0.2
    """Clip of the probability ratio."""
    epsilon_high: float | None = None
    """Its upper side. [default: epsilon]"""
    use_bias_correction_kl: bool = False
    """Weigh the KL term by the probability ratio."""
    drop_dead_groups: bool = True
    """Leave out of the loss what can teach nothing: groups with one reward. DAPO's filter, not EGPO's."""
    resample: int = 0
    """Ask other questions in place of dead groups, up to this often a step (DAPO's dynamic sampling)."""
    stop_without_reward: int = 20
    """Give up after so many steps in a row without any reward; 0 never does."""
    rollouts: Rollouts = "slots"
    """slots: in this process, for CPU and small GPUs; vllm-colocate, vllm-server: vLLM as TRL runs it."""
    rollout_batch_size: int = 64
    """Replies that are generated at once (slots)."""
    vllm_server_base_url: str | None = None
    """Address of `trl vllm-serve` (vllm-server)."""
    vllm_gpu_memory_utilization: float = 0.3
    """Part of each GPU's memory that vLLM takes (vllm-colocate)."""
    keep_replies: int = 64
    """Sampled replies of a step that are kept for `harness view`; 0 keeps none."""
    keep_every: int = 10
    """Steps between those whose replies are kept."""

    def identity(self) -> dict[str, Any]:
        """The settings that decide what is learnt; a checkpoint is continued only under equal ones."""
        free = {"keep_replies", "keep_every", "stop_without_reward", "vllm_gpu_memory_utilization"}
        return {name: value for name, value in RunConfig.identity(self).items() if name not in free}

    def check(self) -> Self:
        """Refuse what can be seen to be wrong before anything is loaded.

        Returns:
            Itself.

        Raises:
            UsageProblem: A setting is missing or out of range.
        """
        RunConfig.check(self)
        require_positive(self, "max_prompt_length", "max_completion_length", "rollout_batch_size", "keep_every")
        if self.merge_adapter:
            raise UsageProblem(
                "--merge-adapter: the reference model is loaded from --model", "Merge it first: trainer merge."
            )
        if not self.entropy_bound > 1 or not 0 <= self.entropy_weight < self.entropy_bound:
            raise UsageProblem(
                f"--entropy-weight {self.entropy_weight} with --entropy-bound {self.entropy_bound} can turn the sign "
                "of an advantage",
                "The bound has to be above 1 and above the weight; the paper has 0.4 and 2.",
            )
        if not self.temperature > 0:
            raise UsageProblem(f"--temperature {self.temperature} gives a group of equal replies", "The paper has 0.7.")
        if self.beta < 0 or not 0 < self.top_p <= 1:
            raise UsageProblem("--beta has to be at least 0, --top-p above 0 and at most 1")
        if self.num_generations < 2:
            raise UsageProblem("--num-generations below 2: an advantage compares replies to one question")
        if self.resample and (self.rollouts != "slots" or not self.drop_dead_groups):
            raise UsageProblem("--resample needs --rollouts slots and --drop-dead-groups")
        return self

    def check_batch(self, ranks: int) -> None:
        """Refuse a batch that does not hold whole groups.

        Args:
            ranks: Processes that train.

        Raises:
            UsageProblem: It does not.
        """
        replies = self.per_device_train_batch_size * self.gradient_accumulation_steps * ranks
        if replies % self.num_generations:
            nearest = max(1, round(replies / self.num_generations)) * self.num_generations
            raise UsageProblem(
                f"a step has {replies} replies (--per-device-train-batch-size {self.per_device_train_batch_size} x "
                f"--gradient-accumulation-steps {self.gradient_accumulation_steps} x {ranks} ranks), which is not a "
                f"multiple of --num-generations {self.num_generations}",
                f"For example {nearest} replies a step.",
            )
