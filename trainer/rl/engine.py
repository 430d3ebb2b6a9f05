"""GRPO's loop is TRL's; this module gives it questions, replies, rewards, EGPO's advantage and exact denominators.

It alone imports TRL, and overrides these protected methods of its trainer; `tests/trainer/rl/test_engine.py` holds the
result to a plain computation, so that the pin in `pyproject.toml` and that test move together.

| method | here |
| --- | --- |
| `_tokenize_prompts`, `_generate_single_turn` | prompts and replies as the harness makes them, judged at once |
| `_generate_and_score_completions` | leaves out replies that teach nothing, before any pass over them |
| `_prepare_inputs` | micro-batches of rows of like length, equally many on each rank |
| `_get_per_token_logps_and_entropies` | reference passes over what is left; the loss pass gives EGPO's entropies, too |
| `compute_loss` | means over the whole step, not over micro-batches |

EGPO needs no pass of its own: a step's micro-batches all see the weights that replied, so the entropies that the loss
pass computes beside the log-probabilities are those of the policy, and advantages get their bonus just before the loss
reads them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
import transformers
from accelerate.utils import gather_object
from datasets import Dataset
from torch import Tensor
from trl import GRPOConfig, GRPOTrainer

from harness.errors import RunIncomplete
from trainer.arguments import arguments
from trainer.checkpoints import Staged
from trainer.rl.advantage import egpo, mean_over
from trainer.rl.config import RLConfig
from trainer.rl.items import Item
from trainer.rl.replies import Replies
from trainer.rl.reward import Scored, Scorer
from trainer.rl.rollout import Slots, Whole
from trainer.rl.tally import Tally

SAME = (
    *("num_generations", "max_completion_length", "temperature", "top_p", "beta", "loss_type", "scale_rewards"),
    *("epsilon", "epsilon_high", "use_bias_correction_kl", "vllm_server_base_url", "vllm_gpu_memory_utilization"),
)
"""Settings that TRL knows by the same name."""


def trl_arguments(config: RLConfig) -> GRPOConfig:
    """The configuration as TRL wants it."""
    vllm = config.rollouts.removeprefix("vllm-")
    return arguments(
        config,
        GRPOConfig,
        **{name: getattr(config, name) for name in SAME},
        use_vllm=vllm != "slots",
        vllm_mode="colocate" if vllm == "slots" else vllm,
        trust_remote_code=config.trust_remote_code,
        shuffle_dataset=True,
        disable_dropout=True,
    )


@dataclass(slots=True)
class _Round:
    """What one generation gave on this rank."""

    items: list[Item]
    ids: list[list[int]]
    scored: list[Scored]
    live: Tensor
    """Whether a reply teaches something: its group has several rewards, and it has one. On all ranks, `[replies]`."""
    learning: list[int]
    """Rows of this rank that the loss sees."""
    passed: list[int]
    """Rows that passes run over: as many on each rank, because ranks take part in each other's collectives."""
    total: int
    """Rows of all ranks that the loss sees."""


class PolicyTrainer(Staged, GRPOTrainer):
    """GRPO, and with `method` egpo its advantages with a bonus for the entropy of the thinking.

    Args:
        config: The run.
        items: What is asked.
        scorer: Judges replies.
        about: Goes into `train.json` of every checkpoint.
        replies: Keeps some of the replies.
        **settings: As of `GRPOTrainer`.
    """

    clock = staticmethod(time.perf_counter)

    def __init__(
        self,
        *,
        config: RLConfig,
        items: Sequence[Item],
        scorer: Scorer,
        about: dict[str, Any],
        replies: Replies,
        **settings: Any,
    ) -> None:
        self.rl, self.items, self.scorer, self.about, self.replies = config, items, scorer, about, replies
        self.slots = Slots(settings["processing_class"], config) if config.rollouts == "slots" else None
        self._whole = Whole(settings["model"]) if self.slots and settings["args"].fsdp else None
        self._asked: list[int] = []
        self._round: _Round | None = None
        self._scoring = False
        self._micro: dict[str, Any] | None = None
        self._batches: list[dict[str, Any]] = []
        self._barren = 0
        self._tally = Tally()

        def reward(prompts: Sequence[str], **_: Any) -> list[float | None]:
            assert self._round is not None
            return [each.reward for each in self._round.scored]

        data = Dataset.from_dict({"prompt": [str(place) for place in range(len(items))]})
        # TRL would copy an adapter that exists as reference; a fresh one changes nothing, and is switched off instead.
        settings["args"].beta = 0.0 if config.use_peft and not about["adapter"] else config.beta
        super().__init__(reward_funcs=[reward], train_dataset=data, **settings)
        self.beta = self.args.beta = config.beta

    def _send_telemetry(self) -> None:
        """Nothing is sent."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """The output folder gets no README of TRL's."""

    def learnt(self) -> dict[str, Any]:
        """Steps in a row without any reward."""
        return {"without_reward": self._barren}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `learnt` told."""
        self._barren = state["without_reward"]

    def told(self, logs: Mapping[str, float]) -> str:
        """Reward, dead groups, and what was spent."""
        return self._tally.told(logs)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        start = self.clock()
        try:
            yield
        finally:
            self._tally.add(**{f"seconds/{part}": self.clock() - start})

    # Replies and rewards.

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        """Prompts are places in the data; their tokens were made as the harness makes them."""
        self._asked = [int(prompt) for prompt in prompts]
        return [self.items[place].prompt for place in self._asked], None, {}

    def _generate_single_turn(self, prompt_ids: list[list[int]], *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Reply and judge; with `resample`, ask other questions in place of dead groups."""
        items = [self.items[place] for place in self._asked]
        with self._timed("generation"):
            ids, logprobs = self._replies(list(enumerate(items)), prompt_ids, *args, **kwargs)
        with self._timed("reward"):
            scored = [self.scorer(item, reply) for item, reply in zip(items, ids, strict=True)]
        live = self._live(scored)
        for again in range(1, self.rl.resample + 1):
            if bool(live.all()):
                break
            self._ask_others(again, live, items, ids, scored)
            live = self._live(scored)
        for row, item in enumerate(items):
            prompt_ids[row] = item.prompt
        self._round = self._rounded(items, ids, scored, live)
        return ids, logprobs

    def _replies(self, asked: list[tuple[int, Item]], prompt_ids: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Replies to some questions of this step, by their row here."""
        if self.slots is None:
            return super()._generate_single_turn(prompt_ids, *args, **kwargs)
        model = self.accelerator.unwrap_model(self.model)
        whole = self._whole.refreshed(model) if self._whole else model
        first = self.accelerator.process_index * len(self._asked)
        return self.slots(whole, [(first + row, item) for row, item in asked], self.state.global_step), None

    def _live(self, scored: Sequence[Scored]) -> Tensor:
        """Which replies of all ranks can teach something, `[replies]`."""
        own = [float("nan") if each.reward is None else each.reward for each in scored]
        rewards = self.accelerator.gather(torch.tensor(own, device=self.accelerator.device))
        groups = rewards.view(-1, self.rl.num_generations)
        judged = ~groups.isnan()
        highest = groups.nan_to_num(nan=-torch.inf).amax(1, keepdim=True)
        lowest = groups.nan_to_num(nan=torch.inf).amin(1, keepdim=True)
        return (judged & (highest > lowest)).view(-1)

    def _ask_others(
        self, again: int, live: Tensor, items: list[Item], ids: list[list[int]], scored: list[Scored]
    ) -> None:
        """Replace the questions of dead groups, their replies and rewards, in place."""
        dead = (~live.view(-1, self.rl.num_generations).any(1)).nonzero().flatten().tolist()
        drawn = Random(f"{self.rl.seed} {self.state.global_step} {again}")
        others = {group: drawn.choice(self.items) for group in dead}
        first = self.accelerator.process_index * len(items)
        rows = [row for row in range(len(items)) if (first + row) // self.rl.num_generations in others]
        for row in rows:
            items[row] = others[(first + row) // self.rl.num_generations]
        total = again * len(items) * self.accelerator.num_processes
        with self._timed("generation"):
            replies, _ = self._replies([(total + row, items[row]) for row in rows], None)
        with self._timed("reward"):
            for row, reply in zip(rows, replies, strict=True):
                ids[row], scored[row] = reply, self.scorer(items[row], reply)
        self._tally.add(resampled=len(dead))

    def _rounded(self, items: list[Item], ids: list[list[int]], scored: list[Scored], live: Tensor) -> _Round:
        count, rank = len(items), self.accelerator.process_index
        mine = live[rank * count : (rank + 1) * count]
        kept = [row for row in range(count) if mine[row] or not self.rl.drop_dead_groups]
        per_rank = [int(part.sum()) for part in live.view(-1, count)]
        most = max(per_rank) if self.rl.drop_dead_groups else count
        filled = [*kept, *(row for row in range(count) if row not in set(kept))][:most]
        total = sum(per_rank) if self.rl.drop_dead_groups else live.numel()
        return _Round(items, ids, scored, live, kept, filled, total)

    # What the loss sees.

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """Replies with advantages, without those that teach nothing."""
        self._scoring = True
        try:
            output = super()._generate_and_score_completions(inputs)
        finally:
            self._scoring = False
        found = self._round
        assert found is not None
        width = output["completion_ids"].shape[1]
        think = torch.zeros(len(found.items), width, dtype=torch.long)
        for row, each in enumerate(found.scored):
            think[row, each.think.start : each.think.end] = 1
        output["think_mask"] = think.to(self.accelerator.device)
        output["rewards"] = torch.tensor([each.reward or 0.0 for each in found.scored], device=self.accelerator.device)
        kept = output["completion_mask"][found.learning].sum()
        output["num_items_in_batch"] = self.accelerator.reduce(kept, "sum")
        self._count(found)
        return output

    def _count(self, found: _Round) -> None:
        """Log what was replied, keep some replies, and give up where nothing is ever rewarded.

        Raises:
            RunIncomplete: Too many steps in a row had no reward.
        """
        step = self.state.global_step + 1
        self._tally.replies(found.scored, self.rl.num_generations, self.accelerator)
        if self.replies.wanted(step):
            first = self.accelerator.process_index * len(found.items)
            lines = self.replies.lines(step, first, found.items, found.scored)
            self.replies.write(gather_object(lines), self.accelerator.is_main_process)
        best = max((each.reward or 0.0 for each in found.scored), default=0.0)
        best = self.accelerator.gather(torch.tensor([best], device=self.accelerator.device)).max().item()
        self._barren = 0 if best > 0 else self._barren + 1
        if 0 < self.rl.stop_without_reward <= self._barren:
            raise RunIncomplete(
                f"{self._barren} steps in a row had no reward at all: nothing can be learnt from replies that are all "
                "wrong",
                "Look at them: harness view " + str(self.replies.folder) + ". Start from a checkpoint that keeps the "
                "format, or choose easier data by `trainer rl --probe`.",
            )

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        """The next micro-batch of the step, after generating all of them before its first."""
        count = self.args.steps_per_generation
        if self._step % count == 0 or not self._batches:
            output = self._generate_and_score_completions(generation_batch)
            assert self._round is not None
            self._batches = list(_micro_batches(output, self._round.learning, self._round.passed, count))
        return self._batches[self._step % count]

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """One micro-batch; what is not spent on replies, rewards and the reference is the update."""
        start = self.clock()
        spent = self._tally.seconds()
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        self._tally.add(**{"seconds/update": self.clock() - start - (self._tally.seconds() - spent)})
        return loss

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Tensor:
        """This micro-batch's part of the step's mean.

        Args:
            model: Wrapped as accelerate wraps it.
            inputs: From `_prepare_inputs`.
            return_outputs: Not used.
            num_items_in_batch: Not used.

        Returns:
            The part times the number of ranks, because gradients are averaged over ranks afterwards.
        """
        self._micro = inputs
        try:
            loss: Tensor = super().compute_loss(model, inputs)
        finally:
            self._micro = None
        if self.loss_type == "dapo":
            return loss
        assert self._round is not None
        # TRL took the mean over the micro-batch and divided by the number of micro-batches.
        rows = len(inputs["advantages"]) * self.current_gradient_accumulation_steps * self.accelerator.num_processes
        return loss * (rows / max(self._round.total, 1))

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Tensor, attention_mask: Tensor, logits_to_keep: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Passes over what the loss will see; the loss's own gives entropies, and with them EGPO's advantages."""
        if not self._scoring:
            logps, entropies, aux = super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, *args, **kwargs
            )
            if self._micro is not None and entropies is not None:
                self._advantages(self._micro, logps.detach(), entropies.detach())
            return logps, entropies, aux
        assert self._round is not None
        whole = torch.zeros(len(input_ids), logits_to_keep, device=input_ids.device)
        size = kwargs.pop("batch_size", None) or len(input_ids)
        with self._timed("reference"):
            for rows, left, right in _chunks(attention_mask, logits_to_keep, self._round.passed, size):
                part = slice(left, input_ids.shape[1] - logits_to_keep + right)
                logps, _, _ = super()._get_per_token_logps_and_entropies(
                    model, input_ids[rows, part], attention_mask[rows, part], right, *args, **kwargs
                )
                whole[rows, :right] = logps.to(whole.dtype)
        return whole, None, None

    def _advantages(self, inputs: dict[str, Any], logps: Tensor, entropies: Tensor) -> None:
        """Count a micro-batch, and with EGPO give its advantages their bonus."""
        thinking = mean_over(entropies, inputs["think_mask"] * inputs["completion_mask"])
        plain = inputs["advantages"]
        if self.rl.method == "egpo":
            inputs["advantages"] = egpo(plain, thinking, self.rl.entropy_weight, self.rl.entropy_bound)
        self._tally.micro(inputs, plain, thinking, logps, self.rl.entropy_bound)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the figures of the steps since the last line; TRL's own are means over micro-batches and left out."""
        if "loss" in logs:
            logs |= self._tally.figures(self.accelerator)
            self._metrics["train"].clear()
            self._tally = Tally()
        transformers.Trainer.log(self, logs, start_time)


def _chunks(attention_mask: Tensor, width: int, rows: Sequence[int], size: int) -> Iterator[tuple[list[int], int, int]]:
    """Rows of like length, a few at a time, with the columns where their prompts start and their longest reply ends.

    Args:
        attention_mask: `[rows, prompt + width]`, prompts padded on the left and replies on the right.
        width: Columns of replies.
        rows: Which.
        size: Rows of a chunk.

    Yields:
        Rows, first column of the prompts, and columns of replies.
    """
    prompts, replies = attention_mask[:, :-width], attention_mask[:, -width:]
    starts, ends = prompts.shape[1] - prompts.sum(1), replies.sum(1)
    ordered = sorted(rows, key=lambda row: (int(ends[row] - starts[row]), row))
    for first in range(0, len(ordered), size):
        chunk = ordered[first : first + size]
        yield chunk, int(starts[chunk].min()), max(int(ends[chunk].max()), 1)


def _micro_batches(
    output: dict[str, Any], learning: Sequence[int], passed: Sequence[int], count: int
) -> Iterator[dict[str, Any]]:
    """Rows in a fixed number of micro-batches of like lengths, as many in each on every rank.

    Args:
        output: Tensors of all rows.
        learning: Rows that the loss sees; the others are masked.
        passed: Rows, these among them.
        count: Micro-batches; one without any row gets one that is masked.

    Yields:
        Tensors of some rows, without columns that are padding for all of them.
    """
    there = torch.zeros(len(output["advantages"]), dtype=torch.bool, device=output["advantages"].device)
    there[list(learning)] = True
    completion = output["completion_mask"] * there[:, None]
    output = output | {"completion_mask": completion, "advantages": output["advantages"] * there}
    mask, width = torch.cat([output["prompt_mask"], completion], 1), completion.shape[1]
    ordered = [row for rows, _, _ in _chunks(mask, width, passed, len(mask)) for row in rows]
    for number in range(count):
        share = ordered[len(ordered) * number // count : len(ordered) * (number + 1) // count]
        rows = share or [next((row for row in range(len(there)) if not there[row]), 0)]
        ((_, left, right),) = _chunks(mask, width, rows, len(rows))
        batch = {name: value[rows] if value.ndim else value for name, value in output.items()}
        for name, value in batch.items():
            if name.startswith("prompt"):
                batch[name] = value[:, left:]
            elif value.ndim > 1 and value.shape[1] == width:
                batch[name] = value[:, :right]
        if not share:
            batch["completion_mask"] = torch.zeros_like(batch["completion_mask"])
            batch["advantages"] = torch.zeros_like(batch["advantages"])
        yield batch
