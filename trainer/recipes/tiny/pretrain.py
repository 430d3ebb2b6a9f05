"""Train the tiny model from scratch: harder items as it learns, checkpoints that a killed run continues from."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from harness import chat, plugins
from harness.errors import UsageProblem
from harness.types import Query, Reply
from trainer.recipes.tiny import circuits
from trainer.recipes.tiny.synth import Item, Split, instruction, item
from trainer.recipes.tiny.tokenizer import END

LADDER: tuple[tuple[float, dict[int, int]], ...] = (
    (0.03, {1: 1}),
    (0.08, {1: 1, 2: 2}),
    (0.25, {1: 1, 2: 3, 3: 4}),
    (1.0, {1: 3, 2: 5, 3: 9, 4: 3}),
)
"""Up to this part of the steps, levels are drawn with these weights."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pre-training run is made of."""

    output: Path
    steps: int = 4000
    tokens: int = 3072
    """Tokens of a batch, padding included."""
    seed: int = 0
    hidden: int = 256
    layers: int = 4
    heads: int = 8
    feed_forward: int = 576
    matrix_lr: float = 0.02
    other_lr: float = 3e-3
    decay_from: float = 0.6
    """Part of the steps after which learning rates fall linearly to 0."""
    prompt_weight: float = 0.2
    """Weight of the loss on a sample of prompt tokens, beside 1 for the reply."""
    every: int = 250
    """Steps between checkpoints and evaluations."""
    items: int = 48
    """Unseen items a level and evaluation."""


def new_model(plan: Plan, tokenizer: Any) -> Any:
    """A Qwen2 model with the induction circuit and random weights elsewhere."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(plan.seed)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=plan.hidden,
        intermediate_size=plan.feed_forward,
        num_hidden_layers=plan.layers,
        num_attention_heads=plan.heads,
        num_key_value_heads=plan.heads,
        max_position_embeddings=2048,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        tie_word_embeddings=True,
        initializer_range=0.03,
        bos_token_id=None,
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen2ForCausalLM._from_config(config, attn_implementation="eager")  # 1.5 times faster than sdpa here
    circuits.install(model, torch.Generator().manual_seed(plan.seed))
    return model


FUNREASON = plugins.load("handlers", "funreason")


def prompt_text(tokenizer: Any, each: Item) -> str:
    """The text a model is given for an item, think prefix included: rendered as the harness renders its questions."""
    query = Query(({"role": "user", "content": each.query},), each.docs, instruction(each.docs))
    return chat.render(FUNREASON.render(query), tokenizer)


def reply_text(each: Item) -> str:
    """What the model should continue it with."""
    written = FUNREASON.write(Reply(each.think.rstrip("\n"), each.answer))
    text: str = written.text.removeprefix(FUNREASON.think_prefix) + END
    return text


def batches(plan: Plan, tokenizer: Any, start: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches from a step on, the same for the same plan whenever they start.

    Args:
        plan: Seed, ladder position and batch size.
        tokenizer: With the model's template.
        start: First step wanted.

    Yields:
        Ids, shape (rows, length), padded on the right, and the length of each row's prompt.
    """
    step, block = 0, 0
    while True:
        rng = Random(f"{plan.seed}/{block}")
        weights = next(levels for until, levels in LADDER if step < until * plan.steps or until == 1.0)
        items = [item(rng, rng.choices(list(weights), list(weights.values()))[0]) for _ in range(512)]
        prompts = tokenizer([prompt_text(tokenizer, each) for each in items], add_special_tokens=False).input_ids
        replies = tokenizer([reply_text(each) for each in items], add_special_tokens=False).input_ids
        rows = sorted(zip(prompts, replies, strict=True), key=lambda row: len(row[0]) + len(row[1]))
        cuts: list[list[Any]] = [[]]
        for row in rows:
            if (len(cuts[-1]) + 1) * (len(row[0]) + len(row[1])) > plan.tokens and cuts[-1]:
                cuts.append([])
            cuts[-1].append(row)
        rng.shuffle(cuts)
        for cut in cuts:
            if step >= start:
                width = max(len(prompt) + len(reply) for prompt, reply in cut)
                ids = torch.full((len(cut), width), tokenizer.pad_token_id)
                for index, (prompt, reply) in enumerate(cut):
                    ids[index, : len(prompt) + len(reply)] = torch.tensor(prompt + reply)
                yield ids, torch.tensor([len(prompt) for prompt, _ in cut])
            step += 1
        block += 1


def loss_of(model: Any, ids: Tensor, prompt_lengths: Tensor, plan: Plan, pad: int) -> tuple[Tensor, Tensor]:
    """Reply loss plus a little prompt loss; logits are formed only where they count.

    Args:
        model: The model.
        ids: Shape (rows, length).
        prompt_lengths: Shape (rows,).
        plan: Weight of the prompt loss.
        pad: Id of the padding.

    Returns:
        Mean over reply tokens, and mean over a quarter of the prompt's tokens.
    """
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(ids).last_hidden_state
        targets, position = ids[:, 1:], torch.arange(1, ids.size(1))
        reply = (position >= prompt_lengths[:, None]) & (targets != pad)
        prompt = (position < prompt_lengths[:, None]) & ((position * 7 + prompt_lengths[:, None]) % 4 == 0)
        losses = []
        for mask in (reply, prompt):
            logits = model.lm_head(hidden[:, :-1][mask])
            losses.append(cross_entropy(logits.float(), targets[mask]))
    return losses[0], losses[1]


@torch.no_grad()
def exact(model: Any, tokenizer: Any, level: int, count: int, split: Split = "unseen", seed: int = 1) -> float:
    """Part of items whose generated answer line equals the reference letter for letter."""
    model.eval()
    rng = Random(f"{split}/{level}/{seed}")
    items = [item(rng, level, split) for _ in range(count)]
    side, tokenizer.padding_side = tokenizer.padding_side, "left"
    batch = tokenizer(
        [prompt_text(tokenizer, each) for each in items], add_special_tokens=False, padding=True, return_tensors="pt"
    )
    tokenizer.padding_side = side
    made = model.generate(
        input_ids=batch.input_ids, attention_mask=batch.attention_mask, max_new_tokens=160, do_sample=False
    )
    texts = tokenizer.batch_decode(made[:, batch.input_ids.size(1) :], skip_special_tokens=True)
    model.train()
    return sum(text.split("\n")[-1] == each.answer for text, each in zip(texts, items, strict=True)) / count


def save(folder: Path, state: dict[str, Any]) -> None:
    """Write the training state so that a kill at any moment leaves a whole file."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "state.pt.part"
    torch.save(state, part)
    os.replace(part, folder / "state.pt")


def pretrain(plan: Plan, tokenizer: Any) -> Any:
    """Train, or continue where a killed run stopped.

    Args:
        plan: What to do.
        tokenizer: From `tokenizer.build`.

    Returns:
        The trained model in float32.

    Raises:
        UsageProblem: torch is older than 2.9.
    """
    if not hasattr(torch.optim, "Muon"):
        raise UsageProblem(f"torch {torch.__version__} has no Muon", "Pre-training needs torch 2.9 or newer.")
    model = new_model(plan, tokenizer)
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Muon(matrices, plan.matrix_lr, weight_decay=0.01),
        torch.optim.AdamW(others, plan.other_lr, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    rates = (plan.matrix_lr, plan.other_lr)
    start, log = 0, []
    if (plan.output / "state.pt").exists():
        state = torch.load(plan.output / "state.pt", weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        start, log = state["step"], state["log"]
    began, seen = time.process_time(), 0
    for step, (ids, lengths) in enumerate(batches(plan, tokenizer, start), start):
        if step == plan.steps:
            break
        scale = min(1.0, (step + 1) / 50, (plan.steps - step) / ((1 - plan.decay_from) * plan.steps))
        for optimizer, rate in zip(optimizers, rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * scale
        reply, prompt = loss_of(model, ids, lengths, plan, tokenizer.pad_token_id)
        (reply + plan.prompt_weight * prompt).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        seen += ids.numel()
        if step % 25 == 0:
            speed = seen / (time.process_time() - began)
            print(f"{step:6d} reply {reply.item():.4f} prompt {prompt.item():.3f} {speed:.0f} tokens/CPU s", flush=True)
        if (step + 1) % plan.every == 0 or step + 1 == plan.steps:
            scores = {level: exact(model, tokenizer, level, plan.items) for level in (1, 2, 3)}
            log.append({"step": step + 1, "reply": reply.item(), "exact": scores})
            print(f"{step + 1:6d} exact {scores}", flush=True)
            optimizer_states = [optimizer.state_dict() for optimizer in optimizers]
            save(
                plan.output, {"model": model.state_dict(), "optimizers": optimizer_states, "step": step + 1, "log": log}
            )
    return model
