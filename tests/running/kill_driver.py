"""One session of a toy run in a process of its own, to be killed: `-m tests.running.kill_driver FOLDER SCRIPT`."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.running.plan import RunSpec
from harness.running.runner import run
from harness.types import EngineSettings
from tests.running.slow_driver import Slow, books
from tests.toy import Toy, install


def spec(folder: Path, script: Path) -> RunSpec:
    """Some 400 requests of 20 ms, four at once, which are judged more slowly in two threads."""
    options = {"script": str(script), "default": "so so", "delay": 0.02, "slots": 4}
    settings = EngineSettings("model", options=options)
    categories = Toy().tasks()["all_of_it"]
    return RunSpec(settings, "toy", categories, engine="scripted", handler="prompt", repeats=4, output=folder)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    install(Slow(0.03, 2))
    books(folder.with_suffix(".book"))
    print("ready", flush=True)
    run(spec(folder, Path(sys.argv[2])))
