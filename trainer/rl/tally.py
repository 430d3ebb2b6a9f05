"""The figures of a step: sums on each rank, added over ranks when a line is logged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from trainer.rl.reward import Scored

PARTS = ("generation", "reward", "reference", "update")


class Tally:
    """Sums since the last line of the log."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = defaultdict(float)

    def add(self, **values: float) -> None:
        """Add to sums."""
        for name, value in values.items():
            self.sums[name] += float(value)

    def seconds(self) -> float:
        """Spent on all parts so far."""
        return sum(self.sums[f"seconds/{part}"] for part in PARTS)

    def replies(self, scored: Sequence[Scored], size: int, accelerator: Any) -> None:
        """Count the replies of a step.

        Args:
            scored: Of this rank.
            size: Of a group.
            accelerator: Gathers groups, which may lie on several ranks.
        """
        self.add(replies=len(scored), tokens=sum(each.generation.completion_tokens for each in scored))
        self.add(truncated=sum(each.problem == "truncated" for each in scored))
        self.add(format=sum(not each.problem for each in scored))
        judged = sum(each.reward is not None for each in scored)
        self.add(judged=judged, unjudged=len(scored) - judged)
        self.add(reward=sum(each.reward or 0.0 for each in scored))
        own = [float("nan") if each.reward is None else each.reward for each in scored]
        groups = accelerator.gather(torch.tensor(own, device=accelerator.device)).view(-1, size)
        if accelerator.is_main_process:
            values = [group[~group.isnan()].tolist() for group in groups]
            dead = [group for group in values if len(set(group)) < 2]
            right = sum(bool(group) and group[0] > 0 for group in dead)
            self.add(groups=len(groups), all_right=right, all_wrong=len(dead) - right)

    def micro(self, inputs: Mapping[str, Any], plain: Tensor, thinking: Tensor, logps: Tensor, bound: float) -> None:
        """Count a micro-batch of the loss.

        Args:
            inputs: Its tensors; advantages have their bonus.
            plain: Advantages without it.
            thinking: Mean entropy of each row's think tokens, in nats.
            logps: Log-probabilities of the policy.
            bound: EGPO's alpha.
        """
        mask = inputs["completion_mask"].float()
        there = mask.any(1)
        for name, rows in (("right", there & (inputs["rewards"] > 0)), ("wrong", there & (inputs["rewards"] <= 0))):
            self.add(**{f"entropy_{name}": thinking[rows].sum(), f"{name}": rows.sum()})
        learning = there & (plain != 0)
        self.add(learning=learning.sum(), bonus=(inputs["advantages"] - plain)[learning].sum())
        self.add(clipped=(learning & (thinking > plain.abs() / bound)).sum(), loss_tokens=mask.sum())
        if "ref_per_token_logps" in inputs:
            off = inputs["ref_per_token_logps"] - logps
            self.add(kl=((off.exp() - off - 1) * mask).sum())

    def figures(self, accelerator: Any) -> dict[str, float]:
        """Means over all ranks, for the log; what cannot be known, such as the entropy of no reply, is left out."""
        names = sorted(NAMES)
        summed = accelerator.reduce(
            torch.tensor([self.sums[name] for name in names], dtype=torch.float64, device=accelerator.device), "sum"
        )
        total = dict(zip(names, summed.tolist(), strict=True))
        found = {
            name: total[part] / total[whole] for name, (part, whole) in RATIOS.items() if total[whole] and part in total
        }
        found |= {f"seconds/{part}": total[f"seconds/{part}"] / accelerator.num_processes for part in PARTS}
        return found | {"resampled": total["resampled"] / accelerator.num_processes, "unjudged": total["unjudged"]}

    def told(self, logs: Mapping[str, float]) -> str:
        """Reward, dead groups and lengths, for the line on screen."""
        entropy = f", H {logs['entropy/right']:.2f} right" if "entropy/right" in logs else ""
        entropy += f" {logs['entropy/wrong']:.2f} wrong" if "entropy/wrong" in logs else ""
        return (
            f"reward {logs['reward']:.3f}, dead {logs['dead/all_right']:.0%} right {logs['dead/all_wrong']:.0%} wrong"
            f"{entropy}, KL {logs.get('kl', 0):.4f}, {logs['length']:.0f} tokens"
        )


RATIOS = {
    "reward": ("reward", "judged"),
    "format": ("format", "replies"),
    "length": ("tokens", "replies"),
    "truncated": ("truncated", "replies"),
    "dead/all_right": ("all_right", "groups"),
    "dead/all_wrong": ("all_wrong", "groups"),
    "entropy/right": ("entropy_right", "right"),
    "entropy/wrong": ("entropy_wrong", "wrong"),
    "bonus": ("bonus", "learning"),
    "clipped": ("clipped", "learning"),
    "kl": ("kl", "loss_tokens"),
}
"""Figures of the log: a sum, and what it is divided by."""
NAMES = {name for pair in RATIOS.values() for name in pair} | {f"seconds/{part}" for part in PARTS}
NAMES |= {"resampled", "unjudged"}
