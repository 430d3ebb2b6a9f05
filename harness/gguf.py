"""GGUF files as model folders: dequantised once to float32 by transformers, and kept in the cache.

The folder lies in `<cache>/gguf/` under the file's sha256, so that a file is converted once wherever it lies. Weights
are those of the file, rounded as its quantisation rounded them; arithmetic is transformers', not llama.cpp's.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import machine
from harness.errors import DataError, UsageProblem
from harness.text import first_line

LOG = logging.getLogger(__name__)
ABOUT = "gguf.json"
"""In a converted folder: which file it was made of."""
BROKEN = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ArithmeticError, MemoryError),
    struct.error,
)
"""What reading a file raises that is damaged or of a kind that transformers does not know."""


def dequantised(file: Path, sha256: str) -> Path:
    """A model folder with the weights, config and tokenizer of a GGUF file.

    Args:
        file: The GGUF file.
        sha256: Its digest.

    Returns:
        The folder, made at the first call.

    Raises:
        UsageProblem: The packages that convert are missing, or they do not know this kind of model.
        DataError: The cache cannot be written.
    """
    folder = machine.cache_root() / "gguf" / sha256[:16]
    if folder.is_dir():
        return folder
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if not folder.is_dir():
                _make(file, sha256, folder)
    except OSError as error:
        raise DataError(f"cannot write {folder}: {error}", "Name another folder in HARNESS_CACHE.") from error
    return folder


def source(folder: Path) -> str | None:
    """Name of the GGUF file that a folder was made of; None for any other folder."""
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        return str(json.loads((folder / ABOUT).read_text(encoding="utf-8"))["file"])
    return None


def _make(file: Path, sha256: str, folder: Path) -> None:
    LOG.warning("%s: dequantising to float32, once, into %s", file.name, folder)
    for leftover in folder.parent.glob(f".{folder.name}-*.part"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-", suffix=".part") as partial:
        target = Path(partial) / "new"
        for part in _loaded(file):
            part.save_pretrained(target)
        for name in ("config.json", "generation_config.json"):
            _forget_version(target / name)
        for saved in target.iterdir():
            saved.chmod(0o644)  # safetensors makes its files for their owner only; the cache may be shared
        (target / ABOUT).write_text(json.dumps({"file": file.name, "sha256": sha256}))
        target.rename(folder)


def _loaded(file: Path) -> tuple[Any, Any]:
    """Model and tokenizer of a GGUF file, in a form that can be saved."""
    try:
        import gguf  # noqa: F401 - transformers reads GGUF with it, and would not say how to install it
        import torch
        import transformers
    except ImportError as error:
        remedy = f"{machine.install('hf')}; or serve the file and name the server with --base-url."
        raise UsageProblem(f"{file} cannot be read: {error.name or error} is not installed", remedy) from error
    where: dict[str, Any] = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    try:
        with _quiet(transformers):
            read = transformers.AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
            tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
            # What was read counts as quantised, which is never saved: its weights go into a fresh model.
            del read.config.quantization_config
            model = type(read)(read.config).to(torch.float32)  # type: ignore[arg-type]
            model.load_state_dict(read.state_dict(), strict=True)
            model.generation_config = read.generation_config
    except BROKEN as error:
        problem = f"transformers {transformers.__version__} cannot read {file}: {first_line(error)}"
        raise UsageProblem(problem, "Serve it with llama.cpp and name the server with --base-url.") from error
    return model, tokenizer


def _forget_version(config: Path) -> None:
    """Take out the release of transformers: one model would have as many fingerprints as there are releases."""
    about = json.loads(config.read_text(encoding="utf-8"))
    about.pop("transformers_version", None)
    config.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Without its notes on what it converts and its progress bars, one of which cannot be switched off."""
    before = transformers.utils.logging.get_verbosity()
    transformers.utils.logging.set_verbosity_error()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        transformers.utils.logging.set_verbosity(before)
