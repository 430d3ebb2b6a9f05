"""The whole loop for real at tiny scale: embedded model, synthetic source, a judge behind a server, two rounds."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click
import pytest

import trainer.cli
from harness.data.examples import read
from harness.types import Example
from refine import stages
from refine.judge import Question
from refine.loop import Loop, _carry_out, folder, run, steps
from tests.processes import descendants
from tests.refine.judges import no, yes
from tests.servers import Answer, Asked, chat, loopback
from tests.trainer.rl.worlds import questions
from tests.trainer.worlds import log
from trainer.recipes.tiny import synth

SHORT = "--max-tokens 96 --progress none"
TRAIN = "--loss msl --max-steps 2 --max-length 640 --learning-rate 1e-4 --use-cpu"


def source_set(number: int, seed: int, split: synth.Split = "train") -> list[Example]:
    rng = random.Random(seed)
    items = (synth.item(rng, level=1, split=split) for _ in range(number))
    return [
        Example(f"{split}-{n}", ({"role": "user", "content": each.query},), each.docs, each.think.strip(), each.answer)
        for n, each in enumerate(items)
    ]


def written(examples: list[Example], path: Path) -> Path:
    path.write_text("".join(json.dumps(asdict(example)) + "\n" for example in examples))
    return path


def knowing(examples: list[Example]):
    """A judge that knows the right answer to each query, and repairs to it."""
    answers = {example.messages[0]["content"]: example.answer for example in examples}
    names = {Question(name).instructions: name for name in (*stages.ORDER, "rewrite", "score", "write_cot")}

    def answer(asked: Asked) -> Answer:
        if asked.body is None:
            return Answer({"data": []})
        system, user = (message["content"] for message in asked.body["messages"][:2])
        quoted = dict(re.findall(r"^(Conversation|Reference answer):\n<<\w+\n(.*?)\n\w+>>$", user, re.M | re.S))
        right = answers.get(quoted.get("Conversation", ""))
        match names[system]:
            case "score":
                text = json.dumps({"reason": "so", "score": 8})
            case "write_cot":
                text = json.dumps({"thought": "This function fits."})
            case "rewrite":
                text = json.dumps({"answer": right})
            case "arguments" if quoted["Reference answer"] != right:
                text = no("another call is right")
            case _:
                text = yes()
        return Answer(chat(text))

    return answer


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["srml", "hdr"])
def test_two_rounds_train_on_what_passed_and_are_scored(mode, tmp_path, bfcl_data, monkeypatch):
    examples = source_set(8, seed=1)
    source = written(examples, tmp_path / "source.jsonl")
    monkeypatch.setenv("HARNESS_EXAMPLES", str(written(source_set(4, 2, "unseen"), tmp_path / "held_out.jsonl")))
    with loopback(knowing(examples)) as server:
        attempts = ("--max-attempts", "3" if mode == "srml" else "0")
        loop = Loop(
            mode,
            "tiny",
            source,
            tmp_path / "loop",
            rounds=2,
            samples=1 if mode == "srml" else 2,
            tasks="examples",
            harness_args=tuple(f"{SHORT} --temperature {0 if mode == 'srml' else 0.7}".split()),
            refine_args=("--judge-model", "known", "--judge-base-url", server.url, *attempts)
            + (("--threshold", "7") if mode == "hdr" else ()),
            trainer_args=tuple(TRAIN.split()),
            score_args=tuple(SHORT.split()),
        )
        rows = run(loop)
        asked = len(server.asked)
        assert run(loop) == rows, "a finished loop has nothing to do"
        assert len(server.asked) == asked

    first = rows[0]
    assert first["source"] == 8
    assert first["kept"] + first["dropped"] + first["hard"] == first["candidates"] <= 8 * loop.samples
    trained = [row for row in read(tmp_path / "loop" / "round-1" / "train.jsonl") if isinstance(row, Example)]
    answers = {example.id: example.answer for example in examples}
    assert all(row.answer == answers[row.id] for row in trained), "the judge lets only right answers through"
    assert first["trained_on"] + first["hard_left"] == 8
    if first["trained_on"]:
        assert first["scores"]["examples"]["n"] == 4
        assert (tmp_path / "loop" / "round-1" / "model" / "config.json").exists()
        assert rows[1]["source"] == (8 if mode == "srml" else first["hard_left"])


@pytest.mark.slow
def test_a_round_of_reinforcement_goes_on_after_a_kill(tmp_path):
    """The command of docs/rl.md with the embedded model, from an empty folder, killed while it trains."""
    source = questions(tmp_path / "source.jsonl")
    examples = [row for row in read(source) if isinstance(row, Example)]
    train = "--max-steps 3 --save-steps 1 --num-generations 4 --batch-size 8 --max-completion-length 48 --temperature 1"
    with loopback(knowing(examples)) as server:
        command = [sys.executable, "-m", "refine.cli", "loop", "--mode", "srml", "--method", "egpo", "--model", "tiny"]
        command += ["--data", str(source), "-o", str(tmp_path / "loop"), "--samples", "2"]
        command += ["--harness-args", "--max-tokens 48 --temperature 1 --progress none"]
        command += ["--refine-args", f"--judge-model known --judge-base-url {server.url}"]
        command += ["--trainer-args", f"{train} --learning-rate 1e-4 --use-cpu"]
        here = tmp_path / "loop/round-1"
        first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while not (here / "model/checkpoint-1").exists():
            assert first.poll() is None
            time.sleep(0.02)
        below = descendants(first.pid)
        first.kill()
        first.wait()
        while any(Path(f"/proc/{pid}").exists() for pid in below):
            time.sleep(0.02)
        assert not (here / "summary.json").exists()
        asked = len(server.asked)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert len(server.asked) == asked, "what was refined before is not asked again"
    summary = json.loads((here / "summary.json").read_text())
    answered = {row.id.rpartition("#")[0] for row in read(here / "candidates.jsonl") if isinstance(row, Example)}
    assert 2 <= summary["trained_on"] == len(answered), "sampled replies differ between processors; some cannot be read"
    assert (summary["source"], summary["trained_on"] + summary["hard_left"]) == (8, 8)
    assert [line["step"] for line in log(here / "model")] == [1, 2, 3]
    assert json.loads((here / "model/train.json").read_text())["config"]["method"] == "egpo"
    assert (here / "model/model.safetensors").exists()


def test_a_round_with_an_adapter_starts_where_the_last_one_ended(tmp_path):
    source = written(source_set(4, seed=6), tmp_path / "source.jsonl")
    flags = "--use-peft --learning-rate 5e-3 --lr-scheduler-type constant --warmup-steps 0 --max-steps 6 --use-cpu"
    arguments = (*flags.split(), "--batch-size", "4", "--max-length", "640")
    loop = Loop("srml", "tiny", source, tmp_path / "loop", rounds=2, trainer_args=arguments)
    first, second = (folder(loop, number) for number in (1, 2))
    for number, here in ((1, first), (2, second)):
        here.mkdir(parents=True)
        shutil.copy(source, here / "train.jsonl")
        _carry_out(next(step for step in steps(loop, number) if step.name == "model"))
    losses = [[line["loss"] for line in log(here / "model")] for here in (first, second)]
    assert losses[0][-1] < losses[0][0] / 1.5
    assert losses[1][0] < losses[0][-1]
    assert json.loads((second / "model" / "train.json").read_text())["adapter"]["from"] == str(first / "model")


def test_a_failed_step_is_tried_again_and_finished_ones_are_not(tmp_path, monkeypatch):
    source = written(source_set(2, seed=4), tmp_path / "source.jsonl")
    loop = Loop("srml", str(tmp_path / "no-model"), source, tmp_path / "loop")
    program = [sys.executable, "-m", "refine.cli", "loop", "--mode", "srml", "--model", loop.model]
    program += ["--data", str(source), "-o", str(loop.output)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "step rollouts" in done.stderr
    assert not list(loop.output.rglob(".*.done"))
    other = subprocess.run([*program, "--samples", "2"], capture_output=True, text=True, check=False)
    assert other.returncode == 2
    assert "another samples" in other.stderr


def test_the_commands_of_a_round_can_be_printed(tmp_path):
    source = written(source_set(1, seed=5), tmp_path / "source.jsonl")
    several = ("torchrun", "--nproc-per-node", "8")
    settings = {"tasks": "simple_python", "trainer_args": ("--loss", "msl"), "trainer_launcher": several}
    loop = Loop("srml", "base", source, tmp_path / "loop", **settings)
    printed = [str(step) for step in steps(loop, 1)]
    assert [step.name for step in steps(loop, 1)] == [
        "rollouts", "candidates", "refined", "selected", "model", "scores", "summary"
    ]  # fmt: skip
    assert printed[0].startswith(f"HARNESS_EXAMPLES={source} ")
    assert printed[4].startswith("torchrun --nproc-per-node 8 -m trainer.cli run --model base ")
    assert printed[4].endswith("--loss msl")


def test_a_round_of_reinforcement_is_a_command_of_trainer_rl(tmp_path):
    source = written(source_set(1, seed=5), tmp_path / "source.jsonl")
    loop = Loop("srml", "base", source, tmp_path / "loop", method="egpo", trainer_args=("--max-steps", "5"))
    printed = {step.name: str(step) for step in steps(loop, 1)}
    train = f"--data {tmp_path}/loop/round-1/train.jsonl --output-dir {tmp_path}/loop/round-1/model"
    assert printed["model"].endswith(f"-m trainer.cli rl --model base {train} --method egpo --max-steps 5")
    flags = printed["model"].split(" rl ")[1].split()
    command: click.Command = trainer.cli.cli.get_command(click.Context(trainer.cli.cli), "rl")
    with command.make_context("rl", flags) as context:
        assert context.params["method"] == "egpo"
    assert "method" not in Loop("srml", "base", source, tmp_path / "loop").identity(), "older folders lack it"
