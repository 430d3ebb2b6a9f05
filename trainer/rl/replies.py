"""Sampled replies with their rewards as a run's record, so that `harness view OUTPUT/replies` shows them.

Each step whose replies are kept is a category; a reply passes where it was rewarded. Lines of steps that a kill lost
are dropped when the run goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness import machine
from harness.files import replacing
from harness.results import provenance, store
from harness.results.lines import RecordedStep, SampleLine, encode
from harness.types import (
    BenchmarkInfo,
    EngineInfo,
    MachineInfo,
    ModelInfo,
    RunRecord,
    Sampling,
    Score,
    Verdict,
)
from trainer.rl.config import RLConfig
from trainer.rl.items import Item
from trainer.rl.reward import Scored

FOLDER = "replies"


def verdict_of(item: Item, scored: Scored) -> Verdict:
    """A reply's reward as a verdict, with what a reader needs beside it."""
    question = next((text["content"] for text in reversed(item.query.messages) if text["role"] == "user"), "")
    evidence = {"question": question, "expected": item.example.answer, "reward": scored.reward}
    if scored.reward is None:
        return Verdict("unscored", "rl:unjudged", scored.problem, evidence)
    if scored.reward > 0:
        return Verdict("pass", evidence=evidence | {"credit": scored.reward} if scored.reward < 1 else evidence)
    return Verdict("fail", f"rl:{scored.problem or 'wrong_calls'}", scored.problem, evidence)


class Replies:
    """Keeps replies of some steps.

    Args:
        config: Which steps, how many replies, and where.
        step: The last whole step of the run; later lines are dropped.
    """

    def __init__(self, config: RLConfig, step: int = 0) -> None:
        self.config = config
        self.folder = Path(config.output_dir) / FOLDER
        self._last = step
        self._lines: list[SampleLine] | None = None

    def wanted(self, step: int) -> bool:
        """Whether the replies of a step are kept: the first of every `keep_every`."""
        return bool(self.config.keep_replies) and (step - 1) % self.config.keep_every == 0

    def lines(self, step: int, first: int, items: Sequence[Item], scored: Sequence[Scored]) -> list[SampleLine]:
        """Lines of a rank's replies.

        Args:
            step: From 1.
            first: Place of the rank's first reply among those of the step.
            items: What was asked.
            scored: The replies.

        Returns:
            As many of them as are kept.
        """
        name = f"step_{step:05d}"
        return [
            SampleLine(
                id=item.example.id,
                repeat=step * 1_000_000 + first + row,
                category=name,
                steps=(RecordedStep(0, each.generation),),
                verdicts={name: verdict_of(item, each)},
            )
            for row, (item, each) in enumerate(zip(items, scored, strict=True))
            if first + row < self.config.keep_replies
        ]

    def write(self, lines: Sequence[SampleLine], writes: bool) -> None:
        """Add a step's lines of all ranks.

        Args:
            lines: Of all ranks.
            writes: Whether this process writes.
        """
        if not writes:
            return
        if self._lines is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lines = [line for line in store.read_samples(self.folder) if line.repeat // 1_000_000 <= self._last]
        self._lines += lines
        with replacing(self.folder / store.SAMPLES) as put:
            for line in self._lines:
                put(encode(line))
        store.write_run(self.folder, self._record(self._lines))

    def _record(self, lines: Sequence[SampleLine]) -> RunRecord:
        config, scores = self.config, defaultdict[str, Score](lambda: Score(0, 0, 0, 0))
        for line in lines:
            for name, verdict in line.verdicts.items():
                old, judged = scores[name], verdict.outcome != "unscored"
                passed = verdict.evidence.get("credit", 1.0) if verdict.outcome == "pass" else 0.0
                scores[name] = replace(
                    old,
                    n=old.n + 1,
                    judged=old.judged + judged,
                    passed=old.passed + passed,
                    unscored=old.unscored + (not judged),
                    truncated=old.truncated + (verdict.code == "rl:truncated"),
                )
        return RunRecord(
            run_id=f"{Path(config.output_dir).name}-replies",
            started="",
            status="complete",
            model=ModelInfo(config.model),
            benchmark=BenchmarkInfo("replies", categories=tuple(scores), n=len(lines)),
            handler=config.handler,
            engine=EngineInfo(config.rollouts),
            sampling=Sampling(config.temperature, config.top_p, config.max_completion_length, config.seed),
            rules="strict",
            repeats=1,
            code=provenance.code(),
            machine=MachineInfo(platform=machine.description().get("platform")),
            config_sha256="",
            scores=dict(scores),
        )
