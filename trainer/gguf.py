"""A model folder as one GGUF file, written by llama.cpp's own converter."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import models
from harness.errors import RunIncomplete, UsageProblem
from trainer.model import merge

CONVERTER = "convert_hf_to_gguf.py"


def find_converter(named: Path | None) -> Path:
    """llama.cpp's converter.

    Args:
        named: What the user says it is; else it is looked for on PATH.

    Returns:
        The script.

    Raises:
        UsageProblem: It is not there.
    """
    found = named or shutil.which(CONVERTER)
    if found is None or not Path(found).is_file():
        raise UsageProblem(
            f"{named} is not a file" if named else f"{CONVERTER} is not on PATH",
            f"It comes with llama.cpp and needs its requirements: give --converter llama.cpp/{CONVERTER}.",
        )
    return Path(found)


def export(model: str, output: Path, outtype: str, converter: Path) -> None:
    """Convert a model; an adapter is merged into its base first.

    Args:
        model: Folder or hub id.
        output: The new file; it appears when it is whole.
        outtype: As the converter names it: f32, f16, bf16, q8_0, auto.
        converter: llama.cpp's.

    Raises:
        UsageProblem: The file is there already.
        RunIncomplete: The converter failed.
    """
    if output.exists():
        raise UsageProblem(f"{output} is there already", "Name a new file.")
    output.parent.mkdir(parents=True, exist_ok=True)
    found = models.locate(model)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".gguf-") as scratch:
        folder, part = Path(found.folder), Path(scratch) / "model.gguf"
        if found.adapter:
            folder = Path(scratch) / "merged"
            merge(model, folder)
        command = [sys.executable, str(converter), str(folder), "--outfile", str(part), "--outtype", outtype]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode or not part.is_file():
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no word of it"]
            raise RunIncomplete(
                f"{converter.name} failed with exit code {done.returncode}: {last[0]}",
                "It needs llama.cpp's requirements.txt, and a llama.cpp that knows the architecture.",
            )
        part.replace(output)
