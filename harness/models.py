"""What is known of a model before it is loaded: where its files are, what identifies them, its chat template.

A model is named by a folder, a hub id such as `Qwen/Qwen2.5-Coder-7B-Instruct`, a GGUF file, a name of
`harness/assets/models.toml` such as `smollm2`, or `tiny`, the checkpoint shipped with this package. What is not here
yet is fetched; a GGUF file is dequantised to a folder once (`harness.gguf`). A folder with `adapter_config.json` is a
LoRA adapter: its base is loaded from where its config says and the adapter on top, so that a fine-tuned folder never
scores as its base.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import files, gguf, machine
from harness.data import datasets, pins
from harness.errors import UsageProblem
from harness.types import ModelInfo

TINY = Path(__file__).parent / "assets" / "tiny"
WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "adapter_model.bin")
# Everything that can change a reply; optimizer states, logs and model cards cannot.
IDENTITY = (
    *WEIGHTS,
    *("*.index.json", "config.json", "generation_config.json", "adapter_config.json", "*.py"),
    *(
        "tokenizer*",
        "vocab*",
        "merges.txt",
        "special_tokens_map.json",
        "added_tokens.json",
        "chat_template*",
        "*.model",
    ),
)
NOT_LOADED = ("*.gguf", "*.pth", "*.onnx", "*.msgpack", "*.h5", "*.ot", "original/*", "onnx/*")
SMALL = 1 << 20
MARK = re.compile("tool|function|action|plugin|invoke|channel|python|escape|ARGS", re.IGNORECASE)
"""What tokens that mark calls have in their names."""


@dataclass(frozen=True, slots=True)
class Located:
    """Local folders of a model."""

    folder: Path
    """Weights and config of the model or, under an adapter, of its base."""
    adapter: Path | None
    tokenizer: Path
    """The adapter's folder where it brings a tokenizer, else the model's."""
    revision: str | None
    """The hub's commit; None for a local folder."""


def locate(model: str, *, adapter: str | None = None, revision: str | None = None, offline: bool = False) -> Located:
    """Find a model's files, fetching them where they are not here yet.

    Args:
        model: Folder, hub id, GGUF file or a name such as `tiny`.
        adapter: Folder or hub id of a LoRA adapter.
        revision: Branch, tag or commit of a hub id.
        offline: Look on this machine only; `HF_HUB_OFFLINE` does the same.

    Returns:
        Folders that hold a config and weights.

    Raises:
        UsageProblem: There is no such model, or its folder is not one.
        DataError: A pinned model cannot be had.
    """
    folder, commit = _fetch(model, revision, offline)
    over = _fetch(adapter, None, offline)[0] if adapter else None
    if (folder / "adapter_config.json").exists() and any(folder.glob("adapter_model.*")):
        if over:
            raise UsageProblem(
                f"{model} is itself an adapter", "Name its base with --model, the adapter with --adapter."
            )
        over, folder = folder, _base_of(folder, offline)
    _require(folder, "config.json")
    if over:
        _require(over, "adapter_config.json")
    own_tokenizer = over and (over / "tokenizer_config.json").exists()
    return Located(folder, over, over if over and own_tokenizer else folder, commit)


def is_named(model: str) -> bool:
    """Whether a model is known by this name on every machine, wherever its folder lies."""
    return model == "tiny" or model in pins.models()


def tokenizer_of(name: str) -> str:
    """Where a tokenizer is loaded from: the folder of a model by name or GGUF file, else what was named.

    Args:
        name: What `locate` takes, or a folder or hub id that has a tokenizer and no weights.

    Raises:
        UsageProblem: A GGUF file cannot be converted.
        DataError: A pinned model cannot be had.
    """
    return str(locate(name).tokenizer) if is_named(name) or Path(name).suffix == ".gguf" else name


def inspect(model: str, *, adapter: str | None = None, revision: str | None = None, offline: bool = False) -> ModelInfo:
    """Describe a model whose files can be read.

    Args:
        model: Folder, hub id, GGUF file or a name such as `tiny`.
        adapter: Folder or hub id of a LoRA adapter.
        revision: Branch, tag or commit of a hub id.
        offline: Fetch nothing.

    Returns:
        The description, with a sha256 over weights, config, tokenizer and adapter.

    Raises:
        UsageProblem: There is no such model, or its folder is not one.
        DataError: A pinned model cannot be had.
    """
    found = locate(model, adapter=adapter, revision=revision, offline=offline)
    digest = fingerprint(found.folder, *([found.adapter] if found.adapter else []))
    return replace(outline(model, found), sha256=digest)


def outline(model: str, found: Located) -> ModelInfo:
    """The same without the fingerprint, which takes a while for large weights.

    Args:
        model: As the user named it.
        found: Its folders.

    Returns:
        The description.
    """
    config = _json(found.folder / "config.json")
    return ModelInfo(
        name=model,
        path=str(found.folder),
        revision=found.revision,
        adapter=str(found.adapter) if found.adapter else None,
        chat_template=_chat_template(found.tokenizer),
        architectures=tuple(config.get("architectures") or ()),
        handler=_trained_as(found.adapter or found.folder),
        environments=_trained_in(found.folder, *([found.adapter] if found.adapter else [])),
        model_type=config.get("model_type") if isinstance(config.get("model_type"), str) else None,
        marks=_marks(found.tokenizer),
        gguf=gguf.source(found.folder),
    )


def fingerprint(*folders: Path) -> str:
    """Digest of all files that can change a reply, by name and content; independent of where the folders lie."""
    total = hashlib.sha256()
    for folder in folders:
        for file in sorted({file for pattern in IDENTITY for file in folder.glob(pattern) if file.is_file()}):
            total.update(f"{file.name}\0{_sha256(file)}\n".encode())
        total.update(b"\n")
    return total.hexdigest()


def _sha256(file: Path) -> str:
    """Hash a file, once: large ones are remembered by path, size and time, as 15 GB take a minute."""
    real = file.resolve()
    stat = real.stat()
    if stat.st_size < SMALL:
        return files.sha256(real)
    key = hashlib.sha256(f"{real}\0{stat.st_size}\0{stat.st_mtime_ns}".encode()).hexdigest()
    known = machine.cache_root() / "fingerprints" / key
    with contextlib.suppress(OSError):
        return known.read_text()
    digest = files.sha256(real)
    with contextlib.suppress(OSError):
        known.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(known, digest.encode())
    return digest


def _fetch(name: str, revision: str | None, offline: bool) -> tuple[Path, str | None]:
    if name == "tiny":
        return TINY, None
    if name in pins.models():
        return _folder_of(datasets.available(name, offline)), None
    local = Path(name).expanduser()
    if local.is_dir():
        return local.absolute(), None
    if local.suffix == ".gguf" and local.is_file():
        return _folder_of(local), None
    if local.exists():
        raise UsageProblem(f"{name} is a file", f"Name the folder that holds config.json: {local.parent}")
    if name.startswith((".", "/", "~")) or name.strip("/").count("/") != name.count("/") or name.count("/") > 1:
        raise UsageProblem(f"there is no folder {name}", _near(local))
    return _snapshot(name, revision, machine.is_offline(offline), local)


def _folder_of(file: Path) -> Path:
    """The model folder made of a GGUF file."""
    return gguf.dequantised(file, _sha256(file))


def _snapshot(name: str, revision: str | None, offline: bool, local: Path) -> tuple[Path, str]:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise missing("hf", error) from error
    try:
        path = snapshot_download(name, revision=revision, local_files_only=offline, ignore_patterns=list(NOT_LOADED))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        where = "in the hub's local cache (offline)" if offline else "on the hub"
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageProblem(f"no folder {name} here and no such model {where}: {reason}", _near(local)) from error
    return Path(path), Path(path).name


def _base_of(adapter: Path, offline: bool) -> Path:
    base = _json(adapter / "adapter_config.json").get("base_model_name_or_path")
    if not base:
        raise UsageProblem(
            f"{adapter}/adapter_config.json does not name its base model", "Give --model BASE --adapter ADAPTER."
        )
    beside = adapter / str(base)
    try:
        return _fetch(str(beside) if beside.is_dir() else str(base), None, offline)[0]
    except UsageProblem as error:
        raise UsageProblem(
            f"the base of adapter {adapter}: {error}", "Or give --model BASE --adapter ADAPTER."
        ) from error


def _require(folder: Path, config: str) -> None:
    if not (folder / config).is_file():
        below = sorted(str(path.parent) for path in folder.glob(f"*/{config}"))
        hint = (
            f"Did you mean {' or '.join(below[-3:])}?"
            if below
            else "A checkpoint is a folder as save_pretrained writes it."
        )
        raise UsageProblem(f"{folder} holds no {config}", hint)
    if not any(file for pattern in WEIGHTS for file in folder.glob(pattern)):
        raise UsageProblem(
            f"{folder} holds no weights ({', '.join(WEIGHTS)})", "Was the download or the save cut short?"
        )


def _near(path: Path) -> str:
    parent = path.parent
    names = [entry.name for entry in parent.iterdir() if entry.is_dir()] if parent.is_dir() else []
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(str(parent / name) for name in near)}? " if near else ""
    return f"{hint}A model is a folder, a hub id (organisation/name), a .gguf file or {_names()}."


def _names() -> str:
    return " or ".join(["tiny", *pins.models()])


def _trained_as(folder: Path) -> str | None:
    """The handler in the `train.json` of a checkpoint; a damaged one says nothing."""
    with contextlib.suppress(UsageProblem, LookupError, TypeError):
        name = _json(folder / "train.json")["config"]["handler"]
        return name if isinstance(name, str) else None
    return None


def _trained_in(*folders: Path) -> tuple[str, ...]:
    """The benchmarks in whose environments a checkpoint was trained, by the `train.json` of base and adapter."""
    found: set[str] = set()
    for folder in folders:
        with contextlib.suppress(UsageProblem, LookupError, TypeError):
            found.update(map(str, _json(folder / "train.json")["benchmark_environments"]))
    return tuple(sorted(found))


def _chat_template(folder: Path) -> str | None:
    with contextlib.suppress(OSError):
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    file = folder / "tokenizer_config.json"
    template = _json(file).get("chat_template") if file.exists() else None
    if isinstance(template, list):
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    return template if isinstance(template, str) else None


def _marks(folder: Path) -> tuple[str, ...]:
    """Added tokens of a tokenizer that look like marks of calls; a damaged file says nothing."""
    for file, read in (
        ("tokenizer_config.json", lambda about: about["added_tokens_decoder"].values()),
        ("tokenizer.json", lambda about: about["added_tokens"]),
    ):
        with contextlib.suppress(UsageProblem, LookupError, TypeError, AttributeError):
            return marks_in(str(token["content"]) for token in read(_json(folder / file)))
    return ()


def marks_in(tokens: Iterable[str]) -> tuple[str, ...]:
    """Those of a tokenizer's added tokens that look like marks of calls, each once."""
    return tuple(sorted({token for token in tokens if MARK.search(token)}))


def _json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageProblem(f"{file} cannot be read: {error}", "Was the download or the save cut short?") from error
    if not isinstance(value, dict):
        raise UsageProblem(f"{file} is not a JSON object", "Was it written by save_pretrained?")
    return value


def missing(extra: str, error: ImportError) -> UsageProblem:
    """The error for an engine whose packages are not installed, with the line that installs them."""
    return UsageProblem(f"{error.name or error} is not installed", machine.install(extra))
