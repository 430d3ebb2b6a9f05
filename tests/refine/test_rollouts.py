"""A model's replies as candidates, the best of them, and what stays hard."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from harness import cli
from harness.results import store
from harness.types import Example
from refine.rollouts import best, candidates, split_hard
from tests.refine.test_loop import source_set
from tests.refine.test_pipeline import example


def test_replies_become_candidates_and_problems_do_not(tmp_path, monkeypatch):
    source = tmp_path / "source.jsonl"
    source.write_text("".join(json.dumps(asdict(example(n))) + "\n" for n in range(3)))
    replies = {"0": "I see.\n</think>\n\n[f(a=1)]", "1": "It never closes", "2": "\n</think>\n\nNo tool fits."}
    script = tmp_path / "script.jsonl"
    script.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in replies.items()))
    monkeypatch.setenv("HARNESS_EXAMPLES", str(source))
    words = ["run", "--tasks", "examples", "--engine", "scripted", "--model-args", f"script={script}"]
    words += ["--handler", "funreason", "--output", str(tmp_path / "runs"), "--progress", "none"]
    cli.cli(words, standalone_mode=False)
    (run,) = store.find_runs(Path(tmp_path / "runs"))
    made = {each.id: (each.think, each.answer, each.source["reference"]) for each in candidates(run, source)}
    asked = example(0).answer
    assert made == {"0#0": ("I see.", "[f(a=1)]", asked), "2#0": ("", "No tool fits.", asked)}


def test_the_best_rollout_of_each_record_is_kept_and_the_rest_stays_hard():
    examples = source_set(3, seed=3)

    def rollout(of: int, repeat: int, score: float) -> Example:
        origin = examples[of]
        return Example(f"{origin.id}#{repeat}", origin.messages, (), None, str(score), {"score": score})

    chosen = best([rollout(0, 0, 7), rollout(0, 1, 9), rollout(0, 2, 9), rollout(2, 0, 8)])
    assert {example.id: example.answer for example in chosen} == {examples[0].id: "9", examples[2].id: "8"}
    assert split_hard(examples, chosen) == [examples[1]]
