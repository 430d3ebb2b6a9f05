"""One step against a plain computation in float64: what TRL's next minor version may break is seen here."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainer.rl.test_region import TAGS, joining_tokenizer
from tests.trainer.rl.worlds import Scripted, config, random_model, trainer_of
from tests.trainer.worlds import rows as rows_of
from tests.trainer.worlds import write

REPLIES = {
    "right": "the question\nsays so\n</think>\n\n{answer}",
    "wrong": "no idea\n</think>\n\n[f(a=1)]",
    "long and wrong": "thinking of this and that and more\n</think>\n\nI do not know what to say about it",
    "never closed": "thinking [f(a=1)]",
    "cut off": "thinking, then the whole answer\n</think>\n\n{answer}...",
}
GROUPS = [
    ["right", "wrong", "long and wrong", "never closed"],
    ["cut off", "right", "right", "never closed"],
    ["wrong", "wrong", "never closed", "cut off"],
    ["right", "right", "right", "right"],
]
"""What is replied to the four questions of a step: the last two groups are dead."""


@dataclass
class Row:
    """One reply, by hand."""

    prompt: list[int]
    reply: list[int]
    reward: float
    think: int
    """Number of think tokens, from the start of the reply."""
    advantage: float = 0.0


def by_hand(items: list[Any], tokenizer: Any, size: int) -> list[Row]:
    """All replies of the step with rewards that are known, and GRPO's advantages."""
    rows = []
    for item, group in zip(items, GROUPS, strict=True):
        for name in group:
            text = REPLIES[name].format(answer=item.example.answer).removesuffix("...")
            spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            ids = [*spans.input_ids, *([] if name == "cut off" else [tokenizer.eos_token_id])]
            end = text.find(TAGS.close) + len(TAGS.close)
            think = sum(start < end for start, _ in spans.offset_mapping) if TAGS.close in text else len(ids)
            rows.append(Row(item.prompt, ids, float(name == "right"), think))
    for first in range(0, len(rows), size):
        group_rows = rows[first : first + size]
        mean = sum(row.reward for row in group_rows) / size
        spread = math.sqrt(sum((row.reward - mean) ** 2 for row in group_rows) / (size - 1))
        for row in group_rows:
            row.advantage = (row.reward - mean) / (spread + 1e-4)
    return rows


def pass_of(model: Any, row: Row, temperature: float) -> tuple[Tensor, Tensor]:
    """Log-probability and entropy of each reply token."""
    ids = torch.tensor([row.prompt + row.reply])
    logits = model(input_ids=ids).logits[0, len(row.prompt) - 1 : -1] / temperature
    logs = logits.log_softmax(-1)
    return logs[torch.arange(len(row.reply)), row.reply], -(logs.exp() * logs).sum(-1)


def plain_loss(policy: Any, reference: Any, rows: list[Row], settings: Any) -> tuple[Tensor, list[float], list[float]]:
    """The step's loss over the rows that learn, with H and A' of each."""
    parts, tokens, entropies, advantages = [], [], [], []
    for row in rows:
        if settings.drop_dead_groups and row.advantage == 0:
            continue
        logps, entropy = pass_of(policy, row, settings.temperature)
        thinking = entropy[: row.think].mean().item()
        advantage = row.advantage
        if settings.method == "egpo":
            bound = abs(advantage) / settings.entropy_bound
            advantage += settings.entropy_weight * min(max(thinking, -bound), bound)
        ratio = (logps - logps.detach()).exp()
        with torch.no_grad():
            fixed = pass_of(reference, row, settings.temperature)[0]
        kl = (fixed - logps).exp() - (fixed - logps) - 1
        per_token = -ratio * advantage + settings.beta * kl
        parts.append(per_token.sum() if settings.loss_type == "dapo" else per_token.mean())
        tokens.append(len(row.reply))
        entropies.append(thinking)
        advantages.append(advantage)
    whole = sum(tokens) if settings.loss_type == "dapo" else len(parts)
    return torch.stack(parts).sum() / whole, entropies, advantages


@pytest.mark.parametrize("accumulated", [1, 2])
@pytest.mark.parametrize("kind", ["plain", "joining"])
@pytest.mark.parametrize(
    "changes",
    [
        {"method": "egpo"},
        {"method": "grpo"},
        {"method": "egpo", "drop_dead_groups": False},
        {"method": "egpo", "loss_type": "dapo"},
    ],
    ids=["egpo", "grpo", "egpo with dead groups", "egpo by tokens"],
)
def test_a_step_equals_a_plain_computation(tmp_path, kind, changes, accumulated):
    settings = config(
        tmp_path,
        data=str(write(tmp_path / "short.jsonl", rows_of(4))),
        model=random_model(tmp_path, None if kind == "plain" else joining_tokenizer()),
        per_device_train_batch_size=16 // accumulated,
        gradient_accumulation_steps=accumulated,
        max_completion_length=400,
        max_steps=1,
        optim="sgd",
        learning_rate=1.0,
        max_grad_norm=0.0,
        temperature=0.7,
        **changes,
    )
    trainer = trainer_of(settings)
    tokenizer = trainer.processing_class
    texts = {
        item.example.id: [REPLIES[name].format(answer=item.example.answer) for name in group]
        for item, group in zip(trainer.items, GROUPS, strict=True)
    }
    trainer.slots = Scripted(texts, tokenizer)
    reference = plain_copy(settings.model)
    with torch.no_grad():  # away from the reference, so that the KL term has a gradient
        for name, weight in trainer.model.named_parameters():
            if "q_proj" in name:
                weight.mul_(1.2)
    policy = plain_copy(settings.model)
    policy.load_state_dict({name: value.double() for name, value in trainer.model.state_dict().items()})
    before = copy.deepcopy(policy.state_dict())

    rows = by_hand(list(trainer.items), tokenizer, 4)
    loss, entropies, advantages = plain_loss(policy, reference, rows, settings)
    loss.backward()
    seen: dict[str, list[float]] = {"H": [], "A'": []}
    micro = trainer._tally.micro

    def watched(inputs: Any, plain: Tensor, thinking: Tensor, *rest: Any) -> None:
        seen["H"] += thinking.tolist()
        seen["A'"] += inputs["advantages"].tolist()
        micro(inputs, plain, thinking, *rest)

    trainer._tally.micro = watched
    trainer.train()

    assert sorted(seen["H"]) == pytest.approx(sorted(entropies), abs=2e-5)
    assert sorted(seen["A'"]) == pytest.approx(sorted(advantages), abs=2e-5)
    line = trainer.state.log_history[0]
    assert line["loss"] == pytest.approx(loss.item(), abs=1e-5)
    assert (line["reward"], line["dead/all_right"], line["dead/all_wrong"]) == (7 / 16, 0.25, 0.25)
    for name, weight in policy.named_parameters():
        moved = before[name] - trainer.model.state_dict()[name].double()
        assert weight.grad is not None
        assert (moved - weight.grad).abs().max() <= 2e-5 * max(1.0, weight.grad.abs().max()), name


def plain_copy(model: str) -> Any:
    """A model without anything of TRL's, in float64."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(model, dtype=torch.float64, attn_implementation="eager")
