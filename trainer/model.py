"""The model of a run: a whole one, a fresh adapter, or an adapter that is continued or merged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import transformers
from accelerate import PartialState

from harness import machine, models
from harness.errors import UsageProblem
from trainer.checkpoints import STATE
from trainer.config import RunConfig
from trainer.train import fuse


def load_model(config: RunConfig, fused: bool = True) -> Any:
    """The model that a run trains.

    Where `config.model` is an adapter, that adapter is what is trained further, on its own base; with
    `config.merge_adapter` its weights are added to the base's and all weights are trained.

    Args:
        config: The run.
        fused: Give it the fused loss.

    Returns:
        The model.

    Raises:
        UsageProblem: The adapter's settings are not as asked for, or there is no adapter to merge.
    """
    found = models.locate(config.model)
    _check(config, found)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        found.folder,
        dtype=config.dtype,
        attn_implementation=config.attn_implementation,
        trust_remote_code=config.trust_remote_code,
        **_quantised(config),
    )
    model.config.use_cache = False
    if config.load_in_4bit:
        from peft import prepare_model_for_kbit_training

        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=config.gradient_checkpointing)
        for module in model.modules():  # CPUs with AVX-512 would repack weights in the first evaluation, for good,
            if hasattr(module, "support_avx512bf16_for_cpu"):  # and there is no gradient through what is packed
                module.support_avx512bf16_for_cpu = False
    if found.adapter:
        import peft

        model = peft.PeftModel.from_pretrained(model, str(found.adapter), is_trainable=not config.merge_adapter)
        if config.merge_adapter:
            model = model.merge_and_unload()
    elif config.use_peft:
        model = _fresh_adapter(model, config)
    if fused:
        fuse(model)
    return model


def _quantised(config: RunConfig) -> dict[str, Any]:
    """Arguments that load a model's weights in 4 bits; none where that is not asked for.

    Raises:
        UsageProblem: bitsandbytes is not installed.
    """
    if not config.load_in_4bit:
        return {}
    if machine.version("bitsandbytes") is None:
        raise UsageProblem("--load-in-4bit needs bitsandbytes", 'pip install "funreason-harness[qlora]"')
    settings = transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=config.bnb_4bit_quant_type,
        bnb_4bit_use_double_quant=config.use_bnb_nested_quant,
        bnb_4bit_compute_dtype="bfloat16" if config.bf16 else config.dtype,
    )
    return {"quantization_config": settings, "device_map": {"": PartialState().device}}


def _fresh_adapter(model: Any, config: RunConfig) -> Any:
    import peft

    targets = config.lora_target_modules
    adapted = peft.get_peft_model(
        model,
        peft.LoraConfig(
            r=config.lora_r,
            lora_alpha=config.lora_alpha,
            lora_dropout=config.lora_dropout,
            use_rslora=config.use_rslora,
            use_dora=config.use_dora,
            target_modules=targets if targets == "all-linear" else targets.split(","),
            modules_to_save=config.modules_to_save.split(",") if config.modules_to_save else None,
            task_type="CAUSAL_LM",
        ),
    )
    if models.is_named(config.model):  # else the adapter would look for its base in this machine's cache
        adapted.peft_config["default"].base_model_name_or_path = config.model
    return adapted


def describe_adapter(config: RunConfig) -> dict[str, Any] | None:
    """Which adapter a run starts from and what is done with it; None where it starts from a whole model.

    Returns:
        `from`, `merged`, and the adapter's own rank, alpha and dropout.
    """
    found = models.locate(config.model)
    if found.adapter is None:
        return None
    own = json.loads((found.adapter / "adapter_config.json").read_text("utf-8"))
    settings = {name: own.get(name) for name in ("r", "lora_alpha", "lora_dropout")}
    return {"from": str(found.adapter), "merged": config.merge_adapter, **settings}


def _check(config: RunConfig, found: models.Located) -> None:
    """Refuse what cannot be done with an adapter.

    Raises:
        UsageProblem: Nothing to merge, or a new adapter on a base that is nowhere saved.
    """
    if config.merge_adapter and found.adapter is None:
        raise UsageProblem(f"--merge-adapter: {config.model} is not an adapter", "Leave the flag out.")
    if config.load_in_4bit and (config.merge_adapter or not (config.use_peft or found.adapter)):
        raise UsageProblem("--load-in-4bit trains an adapter on weights that stay as they are", "Give --use-peft.")
    if config.modules_to_save and not config.use_peft:
        raise UsageProblem("--modules-to-save names what is trained beside an adapter", "Give --use-peft.")
    if config.merge_adapter and config.use_peft:
        raise UsageProblem(
            "--merge-adapter with --use-peft would train an adapter of a model that is saved nowhere",
            f"First: trainer merge {config.model} -o MERGED, then --model MERGED --use-peft.",
        )


def stop_at(model: Any, tokenizer: Any, end: str) -> None:
    """Let `generate()` of any tool stop at the end of turn that is trained.

    Args:
        model: Its config and generation config are changed.
        tokenizer: Its end of text becomes the end of turn.
        end: The end of turn; its last token counts.
    """
    ids = tokenizer(end, add_special_tokens=False)["input_ids"]
    if not ids:
        return
    for config in (model.config, model.generation_config):
        known = config.eos_token_id if config is not None else ids[-1]
        known = known if isinstance(known, list) else [known] if known is not None else []
        if ids[-1] not in known:
            config.eos_token_id = [ids[-1], *known] if known else ids[-1]
    if tokenizer.eos_token_id != ids[-1]:
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ids[-1])


def merge(adapter: str, output: Path) -> None:
    """Write an adapter and its base as one model folder, in the types of the base's weights.

    Args:
        adapter: Folder or hub id of the adapter.
        output: The new folder; it gets the tokenizer, and the adapter's `train.json`.

    Raises:
        UsageProblem: It is not an adapter, or the folder holds something already.
    """
    import peft

    found = models.locate(adapter)
    if found.adapter is None:
        raise UsageProblem(f"{adapter} is not an adapter", "Name a folder with adapter_config.json.")
    if output.exists() and any(output.iterdir()):
        raise UsageProblem(f"{output} is not empty", "Name a new folder.")
    base = transformers.AutoModelForCausalLM.from_pretrained(found.folder, dtype="auto")
    merged: Any = peft.PeftModel.from_pretrained(base, str(found.adapter)).merge_and_unload()
    tokenizer = transformers.AutoTokenizer.from_pretrained(found.tokenizer)
    stop_at(merged, tokenizer, tokenizer.eos_token or "")
    merged.save_pretrained(output)
    tokenizer.save_pretrained(output)
    if (found.adapter / STATE).is_file():
        shutil.copy(found.adapter / STATE, output / STATE)
