"""The questions of a training for another engine: verl, for Ray clusters.

    OUTPUT/train.parquet       a row a question, in verl's columns
    OUTPUT/reward.py           `compute_score`, which calls this project's reward
    OUTPUT/grpo.yaml           GRPO there with the settings that were given here, over verl's defaults, and the model's
                               chat template with the handler's forced start of the reply
    OUTPUT/run.sh              the command; settings of yours go behind it: sh run.sh trainer.nnodes=4

verl decodes replies without special tokens and does not say whether they were cut off: a reply that ends in the middle
of its call list is wrong by its format, and one that is whole counts even where the end of turn is missing.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from harness import chat, models, plugins
from harness.data import examples, shapes
from harness.errors import UsageProblem
from harness.files import write_atomic
from harness.types import Example, Generation, Reply
from trainer.data import query_of
from trainer.rl import rewards
from trainer.rl.config import RLConfig
from trainer.rl.items import Item, read_items
from trainer.rl.region import marks
from trainer.rl.rewards import Attempt
from trainer.run import load_tokenizer

SOURCE = "funreason-harness"
SETTINGS = "grpo"
RUN = "#!/bin/sh\n# GRPO: EGPO needs a trainer of its own, see docs/rl.md.\nexec python -m verl.trainer.main_ppo"
REWARD = '''"""The reward of `trainer rl` for verl: reward.custom_reward_function.path=THIS FILE."""

from trainer.rl.export import score

HANDLER = {handler!r}
OPTIONS = {options!r}
REWARD = {reward!r}
NEEDS_THINK = {needs_think!r}


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **kwargs):
    return score(solution_str, ground_truth, HANDLER, OPTIONS, REWARD, NEEDS_THINK)
'''


def export(config: RLConfig) -> Path:
    """Write the questions, the reward and the command for verl.

    Args:
        config: The training; its output folder is written to.

    Returns:
        The folder.

    Raises:
        UsageProblem: The handler offers tools natively in a way that verl's rows cannot carry.
    """
    import pyarrow
    from pyarrow import parquet

    output = Path(config.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(config)
    corpus, handler = read_items(config, tokenizer, rewards.load(config.reward))
    prompts = [handler.render(item.query) for item in corpus.records]
    if any(prompt.tools for prompt in prompts):
        raise UsageProblem(
            f"--handler {config.handler} offers tools through the chat template, which verl's rows do not carry",
            "Use a prompting handler (funreason, prompt), or train here.",
        )
    rows = [_row(item, prompt.messages) for item, prompt in zip(corpus.records, prompts, strict=True)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), output / "train.parquet")
    prefixes = {prompt.prefix for prompt in prompts}
    options = {name: getattr(handler, name) for name in ("takes", "dialect") if hasattr(handler, name)}
    reward = REWARD.format(
        handler=config.handler, options=options, reward=config.reward, needs_think=config.needs_think
    )
    write_atomic(output / "reward.py", reward.encode())
    told = settings(config, output, template(tokenizer, prefixes.pop()))
    write_atomic(output / f"{SETTINGS}.yaml", yaml.safe_dump(told, sort_keys=False, allow_unicode=True).encode())
    run = f'{RUN} --config-path {shlex.quote(str(output.resolve()))} --config-name {SETTINGS} "$@"\n'
    write_atomic(output / "run.sh", run.encode())
    (output / "run.sh").chmod(0o755)
    return output


def _row(item: Item, messages: Any) -> dict[str, Any]:
    return {
        "data_source": SOURCE,
        "prompt": [{"role": message["role"], "content": message.get("content") or ""} for message in messages],
        "ability": "function calling",
        "reward_model": {"style": "rule", "ground_truth": json.dumps(asdict(item.example))},
        "extra_info": {"id": item.example.id, "index": item.example.id},
    }


def template(tokenizer: Any, prefix: str) -> str:
    """A chat template that also writes the forced start of the reply, where it does not do so by itself."""
    own = tokenizer.chat_template or chat.CHATML
    messages = [{"role": "user", "content": "?"}]
    text = tokenizer.apply_chat_template(messages, chat_template=own, add_generation_prompt=True, tokenize=False)
    if not prefix or text.rstrip().endswith(prefix.strip()):
        return str(own)
    return f"{own}{{%- if add_generation_prompt -%}}{{{{ {prefix!r} }}}}{{%- endif -%}}"


def settings(config: RLConfig, output: Path, chat_template: str) -> dict[str, Any]:
    """The same training by GRPO as verl's configuration."""
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps
    questions, rows = max(1, batch // config.num_generations), config.per_device_train_batch_size
    data, reward = (str(output.resolve() / name) for name in ("train.parquet", "reward.py"))
    model = {"path": os.fspath(models.locate(config.model).folder), "custom_chat_template": chat_template}
    actor = {
        "optim": {"lr": config.learning_rate},
        "ppo_mini_batch_size": questions,
        "ppo_micro_batch_size_per_gpu": rows,
        "use_kl_loss": config.beta > 0,
        "kl_loss_coef": config.beta,
        "kl_loss_type": "low_var_kl",
        "loss_agg_mode": LOSSES[config.loss_type],
    }
    rollout = {"n": config.num_generations, "temperature": config.temperature, "top_p": config.top_p}
    passes = {"log_prob_micro_batch_size_per_gpu": rows}
    return {
        "hydra": {"searchpath": ["pkg://verl.trainer.config"]},
        "defaults": ["ppo_trainer", "_self_"],
        "algorithm": {"adv_estimator": "grpo", "norm_adv_by_std_in_grpo": config.scale_rewards == "group"},
        "data": {
            "train_files": data,
            "val_files": data,
            "train_batch_size": questions,
            "max_prompt_length": config.max_prompt_length,
            "max_response_length": config.max_completion_length,
        },
        "actor_rollout_ref": {"model": model, "actor": actor, "rollout": rollout | passes, "ref": passes},
        "reward": {"custom_reward_function": {"path": reward, "name": "compute_score"}},
        "trainer": {"total_epochs": int(config.num_train_epochs), "n_gpus_per_node": 8, "val_before_train": False},
    }


LOSSES: Mapping[str, str] = {"grpo": "seq-mean-token-mean", "dapo": "token-mean", "dr_grpo": "seq-mean-token-sum-norm"}


def score(
    text: str, reference: str, handler: str, options: Mapping[str, Any], reward: str, needs_think: bool = True
) -> float:
    """The reward of a reply that another engine sampled.

    Args:
        text: The reply, decoded.
        reference: The question as JSON, as `export` wrote it.
        handler: Reads the reply.
        options: Its options.
        reward: Judges it.
        needs_think: A reply without a closed think block is wrong.

    Returns:
        The reward; 0 where it cannot be judged, because verl knows no such thing.
    """
    reader = plugins.handler(handler, options, "strict")
    (example,) = [shapes.read_row("example", json.loads(reference), 1, examples.NONE)]
    assert isinstance(example, Example)
    query, generation = query_of(example), Generation(text)
    reply: Reply = reader.parse(generation, query)
    around = marks(reader)
    closed = around is not None and around.close in text
    if reply.problem is not None or (needs_think and not closed):
        return 0.0
    return rewards.load(reward).judge(Attempt(example, query, generation, reply)) or 0.0
