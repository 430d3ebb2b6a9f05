"""Loading a local model for the `hf` engine: weights, adapter, tokenizer, and the decoder that fits it."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import psutil
import torch
import transformers
from safetensors import SafetensorError

from harness import machine
from harness.engines import _attention
from harness.engines._slots import SlotDecoder
from harness.engines._static import StaticDecoder
from harness.errors import UsageProblem, unknown_name
from harness.models import Located, missing, tokenizer_of
from harness.text import first_line
from harness.types import EngineSettings

LOG = logging.getLogger(__name__)
DTYPES = {
    "float32": torch.float32,
    "fp32": torch.float32,
    "float16": torch.float16,
    "fp16": torch.float16,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "bf16": torch.bfloat16,
}
UNLIMITED = 1 << 30
LARGE = 50_000_000
"""Parameters from which a model's speed is worth a word."""
WORTH_TELLING = 1.5


def tokenizer(found: Located, settings: EngineSettings) -> Any:
    """Load the tokenizer: the one the user names, the adapter's, or the model's."""
    source = tokenizer_of(settings.tokenizer) if settings.tokenizer else str(found.tokenizer)
    try:
        return transformers.AutoTokenizer.from_pretrained(source, trust_remote_code=settings.trust_remote_code)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UsageProblem(f"no tokenizer in {source}: {first_line(error)}", "Name one with --tokenizer.") from error


def model(found: Located, settings: EngineSettings, tokenizer: Any) -> Any:
    """Load weights and adapter, ready for inference.

    Args:
        found: The model's folders.
        settings: `dtype` auto means float32 on CPU, whichever it is, and the checkpoint's own elsewhere: the same
            command gives the same replies on every CPU.
        tokenizer: The model's, for proving the adapter.

    Returns:
        The model, in evaluation mode.

    Raises:
        UsageProblem: It cannot be loaded, or the adapter changes nothing.
    """
    device, attention = _device(settings.device), _attention_of(settings)
    spread = settings.options.get("device_map")
    try:
        loaded = transformers.AutoModelForCausalLM.from_pretrained(
            found.folder,
            dtype=_dtype(settings.dtype, device),
            attn_implementation=attention,
            trust_remote_code=settings.trust_remote_code,
            device_map=spread,
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        problem = f"transformers cannot load {found.folder}: {first_line(error)}"
        raise UsageProblem(problem, _remedy(error, attention)) from error
    if not spread:
        torch.nn.Module.to(loaded, device)
    if found.adapter:
        loaded = _with_adapter(loaded, found, tokenizer)
    loaded.requires_grad_(False).eval()
    if settings.dtype == "auto" and device.type == "cpu":
        _tell_of_bfloat16(loaded.num_parameters())
    return torch.compile(loaded) if settings.options.get("compile") else loaded


def _tell_of_bfloat16(parameters: int) -> None:
    """Say what float32 costs on this processor; chosen unasked, the same command would reply otherwise elsewhere."""
    if parameters >= LARGE and (gain := machine.bfloat16_gain()) >= WORTH_TELLING:
        LOG.warning(
            "float32 weights; this CPU multiplies bfloat16 %.1f times as fast: --dtype bfloat16 (it rounds otherwise, "
            "so that some replies differ)",
            gain,
        )


def _attention_of(settings: EngineSettings) -> str | None:
    """The kind of attention that is asked for, or None; a hub kernel (`organisation/name`) is for transformers to find.

    Raises:
        UsageProblem: transformers has no such kind.
    """
    asked = settings.options.get("attn_implementation")
    if asked is None or "/" in str(asked):
        return asked
    ours = (_attention.NAME, "paged|")
    kinds = ["eager", *(name for name in transformers.AttentionInterface().valid_keys() if not name.startswith(ours))]
    if asked not in kinds:
        raise unknown_name("attn_implementation", str(asked), kinds)
    return str(asked)


def _remedy(error: Exception, attention: str | None) -> str:
    if "trust_remote_code" in str(error):
        return "Allow it with --trust-remote-code."
    if attention and any(word in str(error).lower() for word in ("flash", "kernel", "attention")):
        return f"{attention} needs its own package and hardware: leave attn_implementation away for sdpa."
    return "Is the folder whole?"


def decoder(model: Any, settings: EngineSettings) -> SlotDecoder | StaticDecoder:
    """The slot decoder where the model's attention allows it, else the plain one."""
    on_cpu = model.device.type == "cpu"
    slots = settings.batch_size or (64 if on_cpu else 128)
    if _has_full_attention(model) and _agrees(model):
        budget = int(settings.options.get("token_budget") or (1024 if on_cpu else 16384))
        return SlotDecoder(model, slots, budget, _memory(model.device))
    LOG.warning("%s does not fit the slot cache: plain batches, without prefix reuse", type(model).__name__)
    return StaticDecoder(model, slots)


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens that end a turn: the model's, the tokenizer's, and ChatML's where it is one token."""
    ends = {tokenizer.eos_token_id}
    for config in (model.generation_config, model.config):
        named = getattr(config, "eos_token_id", None)
        ends.update(named if isinstance(named, list) else [named])
    ends.add(tokenizer.get_vocab().get("<|im_end|>"))
    return frozenset(end for end in ends if end is not None)


def context_of(model: Any) -> int:
    """Longest sequence in tokens."""
    return int(getattr(model.config.get_text_config(), "max_position_embeddings", None) or UNLIMITED)


def _with_adapter(model: Any, found: Located, tokenizer: Any) -> Any:
    """Merge a LoRA adapter into the weights, and prove that it changed what the model says."""
    try:
        import peft
    except ImportError as error:
        raise missing("hf", error) from error
    ids = torch.tensor([tokenizer.encode("[get_weather(city='Paris')]")], device=model.device)
    with torch.inference_mode():
        before = model(ids).logits
    try:
        with warnings.catch_warnings():
            # peft asks transformers by names that go away: nothing that who runs a model could change.
            warnings.simplefilter("ignore", FutureWarning)
            model = peft.PeftModel.from_pretrained(model, str(found.adapter)).merge_and_unload()
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise UsageProblem(
            f"adapter {found.adapter} does not fit {found.folder}: {first_line(error)}", "Was it trained on this base?"
        ) from error
    with torch.inference_mode():
        after = model(ids).logits
    if torch.equal(before, after):
        raise UsageProblem(
            f"adapter {found.adapter} changes nothing: the logits of a probe equal the base's",
            "Its weights are zero or were not applied; scoring it would score the base.",
        )
    return model


def _has_full_attention(model: Any) -> bool:
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    full = set(kinds) == {"full_attention"} if kinds else not getattr(config, "sliding_window", None)
    return full and model.config._attn_implementation in ("sdpa", "eager")


def _agrees(model: Any) -> bool:
    """Whether the slot cache gives the logits of a plain pass on a probe: it knows nothing of exotic architectures."""
    probe = [[5, 6, 7, 8, 9, 10, 11], [5, 6, 7, 12]]
    before = model.config._attn_implementation
    try:
        with torch.inference_mode():
            theirs = torch.stack([model(torch.tensor([ids], device=model.device)).logits[0, -1] for ids in probe])
            if before == "sdpa":
                model.set_attn_implementation(_attention.NAME)
            ours = SlotDecoder(model, 2, 64).logits_of(probe)
        tolerance = 1e-3 if model.dtype == torch.float32 else 5e-2
        if (ours - theirs).abs().max() <= tolerance * theirs.abs().max().clamp_min(1.0):
            return True
    except (TypeError, ValueError, RuntimeError, AttributeError, LookupError) as error:
        LOG.info("slot cache probe: %s", error)
    model.set_attn_implementation(before)
    return False


def _memory(device: torch.device) -> int:
    """Bytes that keys and values may take: what is free, less room for activations and for other programs."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * 0.75)
    return psutil.virtual_memory().available // 2


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageProblem(f"device {name!r}: {first_line(error)}", "Use cpu, cuda, cuda:N or mps.") from error
    return device


def _dtype(name: str, device: torch.device) -> Any:
    if name == "auto":
        return torch.float32 if device.type == "cpu" else "auto"
    if name not in DTYPES:
        raise unknown_name("dtype", name, DTYPES)
    return DTYPES[name]
