"""Run as a program by `test_kill.py`: refines N examples with a judge whose replies follow from the text alone."""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path

from refine import stages
from refine.judge import Judge
from refine.ledger import Ledger
from refine.outputs import write_outputs
from refine.pipeline import Pipeline
from refine.turns import begin
from refine.types import Context
from tests.refine.judges import KnownJudge, no, yes
from tests.refine.test_pipeline import example, stage_of


def verdict(key, prompt) -> str:
    stage, chance = stage_of(prompt), zlib.crc32(prompt.messages[1]["content"].encode()) % 10
    if stage == "rewrite":
        return json.dumps({"answer": f"[get_weather(city='{chance}')]"})
    return no(f"chance {chance}") if chance < (2 if stage in ("query", "cot") else 5) and stage != "response" else yes()


def main(folder: Path, number: int) -> None:
    with Ledger(folder, {"test": "kill"}) as ledger:
        finished = ledger.finished()
        judge = Judge("known", KnownJudge(verdict, slots=8, seconds=0.002))
        pipeline = Pipeline([judge], ledger)
        todo = ((i, example(i), []) for i in range(number) if i not in finished)
        for _ in pipeline.run(begin(todo, stages.load(), Context()), ledger.unfinished_calls(finished)):
            pass
    write_outputs(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
