"""Tiny random models and a tokenizer, built on the spot: what tests of engines and of training load from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CORPUS = [
    "You are given a question and a set of functions. Call them as [name(argument=value, other='text')].",
    '{"name": "math.triangle_area", "parameters": {"type": "dict", "properties": {"base": {"type": "integer"}}}}',
    "<think>\nThe user wants the weather in Paris, so get_weather fits.\n</think>\n\n[get_weather(city='Paris')]",
    "<|im_start|>system\nsystem<|im_end|>\n<|im_start|>user\nuser<|im_end|>\n<|im_start|>assistant\nassistant",
]


def tiny_tokenizer() -> Any:
    """A byte-level BPE of 320 tokens with ChatML's special tokens and no chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=320, special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def make_tiny_qwen2(path: Path, *, seed: int = 0, context: int = 1024, tokenizer: Any = None, **config: Any) -> Path:
    """Save a random Qwen2 checkpoint (2 layers, hidden 64) with its tokenizer.

    Args:
        path: Folder to write.
        seed: Of the weights.
        context: Longest sequence in tokens.
        tokenizer: Instead of the one above.
        **config: Overrides of `Qwen2Config`.

    Returns:
        The folder.
    """
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = tokenizer or tiny_tokenizer()
    settings = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "initializer_range": 0.3,
    } | config
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            max_position_embeddings=context,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            **settings,
        )
    )
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def make_tiny_lora(path: Path, base: Path, *, seed: int = 1) -> Path:
    """Save a random LoRA adapter of a model, large enough to change its replies.

    Args:
        path: Folder to write.
        base: The model's folder.
        seed: Of the weights.

    Returns:
        The folder.
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = LoraConfig(r=4, lora_alpha=32, target_modules=["q_proj", "v_proj", "o_proj"], init_lora_weights=False)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), config)
    model.peft_config["default"].base_model_name_or_path = str(base)
    model.save_pretrained(path)
    return path
