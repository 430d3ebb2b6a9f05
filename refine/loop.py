"""Self-refinement in rounds: roll out, refine, train, score; the programs meet at files only.

`srml` (FunReason, arXiv 2505.20192): the current model answers the whole source set, what passes FCDR trains the next.
`hdr` (BalanceSFT, arXiv 2505.20192 v3): the current model answers each hard record N times; what passes and scores best
above a threshold is kept and trains the next model, the rest goes back to the hard set.

    DIR/loop.json                          settings; another loop in the same folder is refused
    DIR/round-1/rollouts/                  `harness run` over the round's source
    DIR/round-1/candidates.jsonl           its replies as examples
    DIR/round-1/refined/                   `refine run` over the candidates
    DIR/round-1/train.jsonl, hard.jsonl    what trains, and what is left hard
    DIR/round-1/model/                     `trainer run`, or with a method of reinforcement `trainer rl`
    DIR/round-1/scores/                    `harness run` of the new model on a smoke slice
    DIR/round-1/summary.json               counts and scores, written last

Each step is a program or a pure function that can be run again; a finished step leaves a mark, so a killed loop goes on
where it was, and a round can be moved to another machine with its folder.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness import supervisor
from harness.data import examples as data
from harness.errors import RunIncomplete
from harness.files import write_atomic
from harness.results import store
from harness.types import Example
from refine.ledger import claim, write_lines
from refine.outputs import last_outcomes
from refine.rollouts import best, candidates, split_hard


@dataclass(frozen=True)
class Loop:
    """Settings of a loop. The three programs take further flags as they are."""

    mode: Literal["srml", "hdr"]
    model: str
    """The model of round 0."""
    source: Path
    """The source set (srml) or the hard set (hdr), as a file of examples."""
    output: Path
    rounds: int = 1
    samples: int = 1
    """Rollouts of each record (hdr: N)."""
    tasks: str = ""
    """Tasks of the smoke slice that scores each round's model; empty scores nothing."""
    replay: Path | None = None
    """Examples that are trained on in every round besides the round's own, for example what passed at the start."""
    harness_args: tuple[str, ...] = ()
    refine_args: tuple[str, ...] = ()
    method: Literal["sft", "grpo", "egpo"] = "sft"
    """How a round trains: `trainer run`, or `trainer rl` by GRPO or EGPO with what was kept as reference."""
    trainer_args: tuple[str, ...] = ()
    trainer_launcher: tuple[str, ...] = (sys.executable,)
    """What starts the training, for example `torchrun --nproc-per-node 8`; it is given `-m trainer.cli run ...`."""
    score_args: tuple[str, ...] = ()

    def identity(self) -> dict[str, Any]:
        """What may not change between sessions; rounds may be added."""
        settings: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        free = {"rounds", "trainer_launcher", *(["method"] if self.method == "sft" else [])}  # older folders lack it
        return {name: value for name, value in settings.items() if name not in free}


@dataclass(frozen=True)
class Step:
    """One step of a round: a program, or a function, that leaves its result in the round's folder."""

    name: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    function: Callable[[], object] | None = None

    def __str__(self) -> str:
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return " ".join([*variables, shlex.join(self.command)]) if self.command else f"# {self.name}"


def run(loop: Loop, tell: Callable[[str], None] = lambda line: None) -> list[dict[str, Any]]:
    """Run all rounds that are not finished.

    Args:
        loop: What to do.
        tell: Called with each step before it starts.

    Returns:
        The summaries of all rounds.

    Raises:
        UsageProblem: The folder holds another loop.
        RunIncomplete: A program failed; the same call goes on from its step.
    """
    loop.output.mkdir(parents=True, exist_ok=True)
    claim(loop.output / "loop.json", loop.identity(), "loop")
    for number in range(1, loop.rounds + 1):
        folder(loop, number).mkdir(exist_ok=True)
        for step in steps(loop, number):
            mark = folder(loop, number) / f".{step.name}.done"
            if not mark.exists():
                tell(f"round {number}: {step}")
                _carry_out(step)
                mark.touch()
        if nothing_left(loop, number):
            break
    return summaries(loop)


def folder(loop: Loop, number: int) -> Path:
    """A round's folder."""
    return loop.output / f"round-{number}"


def steps(loop: Loop, number: int) -> Iterator[Step]:
    """The steps of a round, in order.

    Args:
        loop: The loop.
        number: The round, from 1.

    Yields:
        Steps; a round whose refinement kept nothing neither trains nor scores.
    """
    here = folder(loop, number)
    model, source = _inputs(loop, number)
    rollouts = _program("harness", model=model, tasks="examples", output=here / "rollouts", repeats=loop.samples)
    yield Step("rollouts", (*rollouts, *loop.harness_args), {"HARNESS_EXAMPLES": str(source)})
    yield Step("candidates", function=lambda: _collect(here, source))
    refined = _program("refine", input=here / "candidates.jsonl", output=here / "refined")
    yield Step("refined", (*refined, *loop.refine_args))
    yield Step("selected", function=lambda: _select(loop, number, source))
    if not nothing_left(loop, number):
        way = {} if loop.method == "sft" else {"method": loop.method}
        verb = "rl" if way else "run"
        data = here / "train.jsonl"
        _, *trained = _program("trainer", verb, model=model, data=data, output_dir=here / "model", **way)
        yield Step("model", (*loop.trainer_launcher, *trained, *loop.trainer_args))
        if loop.tasks:
            scored = _program("harness", model=here / "model", tasks=loop.tasks, output=here / "scores")
            yield Step("scores", (*scored, *loop.score_args))
    yield Step("summary", function=lambda: _summarise(loop, number))


def _program(name: str, verb: str = "run", /, **flags: object) -> tuple[str, ...]:
    """A command of one of the three programs, in this interpreter."""
    pairs = ((f"--{flag.replace('_', '-')}", str(value)) for flag, value in flags.items())
    return (sys.executable, "-m", f"{name}.cli", verb, *(word for pair in pairs for word in pair))


def nothing_left(loop: Loop, number: int) -> bool:
    """Whether a round's refinement kept nothing to train on."""
    path = folder(loop, number) / "train.jsonl"
    return path.exists() and path.stat().st_size == 0


def summaries(loop: Loop) -> list[dict[str, Any]]:
    """Summaries of the finished rounds, in order."""
    paths = (folder(loop, number) / "summary.json" for number in range(1, loop.rounds + 1))
    return [json.loads(path.read_text("utf-8")) for path in paths if path.exists()]


def _inputs(loop: Loop, number: int) -> tuple[str, Path]:
    """The model and the source of a round."""
    if number == 1:
        return loop.model, loop.source
    last = folder(loop, number - 1)
    return str(last / "model"), last / "hard.jsonl" if loop.mode == "hdr" else loop.source


def _carry_out(step: Step) -> None:
    """Take a step; its program does not outlive this one, or the next call would find two at work."""
    if step.function:
        step.function()
        return
    command, environment = supervisor.supervised(step.command), os.environ | step.environment
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        code = process.wait()
    if code:
        raise RunIncomplete(
            f"step {step.name} ended with exit code {code}: {step}",
            "What it finished is kept; the same command goes on from here.",
        )


def _collect(here: Path, source: Path) -> None:
    (run,) = store.find_runs(here / "rollouts")
    write_lines(map(asdict, candidates(run, source)), here / "candidates.jsonl")


def _select(loop: Loop, number: int, source: Path) -> None:
    """What trains the next model, and what stays hard."""
    here = folder(loop, number)
    solved = best(_examples(here / "refined" / "kept.jsonl"))
    write_lines(map(asdict, split_hard(_examples(source), solved)), here / "hard.jsonl")
    extra = list(_examples(loop.replay)) if loop.replay and solved else []
    write_lines(map(asdict, [*solved, *extra]), here / "train.jsonl")


def _summarise(loop: Loop, number: int) -> None:
    here = folder(loop, number)
    outcomes: dict[str, int] = {}
    for line in last_outcomes(here / "refined"):
        outcomes[line["outcome"]] = outcomes.get(line["outcome"], 0) + 1
    scored = store.find_runs(here / "scores") if (here / "scores").exists() else []
    scores = {
        category: {"n": score.judged, "passed": score.passed}
        for run in scored
        for category, score in store.read_run(run).scores.items()
    }
    summary = {
        "round": number,
        "source": _count(_inputs(loop, number)[1]),
        "candidates": _count(here / "candidates.jsonl"),
        **{outcome: outcomes.get(outcome, 0) for outcome in ("kept", "dropped", "hard", "unjudged")},
        "trained_on": _count(here / "train.jsonl"),
        "hard_left": _count(here / "hard.jsonl"),
        "scores": scores,
    }
    write_atomic(here / "summary.json", json.dumps(summary, indent=1).encode())


def _examples(path: Path) -> Iterator[Example]:
    return (row for row in data.read(path, "example") if isinstance(row, Example))


def _count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())
