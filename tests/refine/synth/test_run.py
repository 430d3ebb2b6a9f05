"""Whole runs with scripted roles: the funnel, books, resuming at every line, shards, limits, the report."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.data import examples
from harness.errors import RunIncomplete, UsageProblem
from harness.types import Example
from refine.cli import cli
from refine.ledger import Ledger, read_lines
from refine.outputs import FILES
from refine.synth import crew as crews
from refine.synth import report, run, values, walks
from refine.synth.crew import Crew
from refine.synth.estimate import estimate
from refine.synth.plan import PlanSettings
from refine.synth.recite import Reciter
from refine.synth.run import Settings
from refine.synth.walk import Unwalkable
from tests.refine.synth.scenes import DeskEnvironment, borrowing


class Clumsy(Reciter):
    """Roles that recite the walk, but now and then as a weak model would: it depends on the prompt alone."""

    slots = 3

    def submit(self, key, prompt, sampling):
        super().submit(key, prompt, sampling)
        done = self._ready[-1]
        said = json.loads(done.generation.text)
        chance = zlib.crc32(f"{key} {prompt.messages[1]['content']}".encode()) % 100
        if "reply" in said and chance < 25:
            said = {"thought": "I think of the right answer." if chance < 8 else "I do it at once.", "reply": "Done."}
        elif "verdict" in said and chance < 12:
            said = {"reason": "unclear", "verdict": "no"}
        elif "query" in said and chance < 10:
            said = {"query": "Do something."}
        elif chance > 98:
            said = {"nonsense": 1}
        self._ready[-1] = replace(done, generation=replace(done.generation, text=json.dumps(said), prompt_tokens=9))


@pytest.fixture
def desk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda file: None)  # real kills are tested elsewhere: here the disk may be slow
    environment = DeskEnvironment()
    monkeypatch.setattr(run, "open_environment", lambda *arguments: environment)

    def finder(environment, settings, folder):
        def find(n):
            if n % 10 == 9:
                raise Unwalkable("reserve not reached in 2 calls")
            return borrowing(environment, number=n, seed=n, kind=("plain", "implicit")[n % 2])

        return find

    monkeypatch.setattr(walks, "finder", finder)
    monkeypatch.setattr(run, "write_graph", lambda *arguments: None)
    monkeypatch.setattr("refine.synth.estimate.write_graph", lambda *arguments: None)
    return environment


def settings(folder: Path, **changes) -> Settings:
    return Settings("test:desk", folder, **{"crew": Crew("walk"), "conversations": 50, **changes})


def outputs(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES.values()}


def readable(folder: Path) -> list[tuple[int, int, int]]:
    """Keys of the calls that were answered."""
    lines = read_lines(folder / "calls.jsonl")
    return sorted((line["index"], line["step"], line["vote"]) for line in lines if line["read"] is not None)


def test_the_whole_funnel_on_fifty_conversations(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(crews, "Reciter", Clumsy)
    counts = run.run(settings(tmp_path))
    assert sum(counts.values()) == 50
    summary = report.write(tmp_path)
    funnel = summary["funnel"]
    assert (funnel["planned"], funnel["walked"]) == (50, 45)
    assert 50 > funnel["walked"] >= funnel["asked"] >= funnel["solved"] >= funnel["kept"] == counts["kept"] > 10
    assert counts["hard"] > 0
    assert sum(row["solved"] for row in summary["kinds"].values()) == sum(summary["attempts"].values())
    assert summary["attempts"]["2"] > 0
    assert {"find_member", "sign_in", "find_books", "reserve"} == {name for name, n in summary["tools"].items() if n}
    page = (tmp_path / "report.html").read_text()
    assert "right answer" not in page.split("Examples")[1].split("<h3>hard")[0] or "hard" in summary["examples"]
    rows = list(examples.read(tmp_path / "kept.jsonl"))
    assert all(isinstance(row, Example) for row in rows)
    assert all(row.source["synthesised"] == "test:desk" for row in rows)
    thoughts = [json.dumps([row.messages, row.think]) for row in rows]
    assert not any("right answer" in thought for thought in thoughts)


def test_killed_behind_every_line_the_run_ends_with_the_same_bytes(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(crews, "Reciter", Clumsy)
    whole = tmp_path / "whole"
    run.run(settings(whole, conversations=2))
    asked = readable(whole)
    lines = (whole / "calls.jsonl").read_bytes().splitlines(keepends=True)
    ended = (whole / "outcomes.jsonl").read_bytes().splitlines(keepends=True)
    for cut in range(len(lines) + 1):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / "run.json").write_bytes((whole / "run.json").read_bytes())
        (folder / "calls.jsonl").write_bytes(b"".join(lines[:cut]) + lines[cut % len(lines)][:40])
        before = {json.loads(line)["index"] for line in lines[cut:]}
        kept = [line for line in ended if json.loads(line)["index"] not in before]
        (folder / "outcomes.jsonl").write_bytes(b"".join(kept))
        run.run(settings(folder, conversations=2))
        assert outputs(folder) == outputs(whole), cut
        assert readable(folder) == asked, "a call was asked twice, or never"


def test_more_conversations_go_on_in_the_same_folder(desk, tmp_path):
    assert run.run(settings(tmp_path, conversations=3))["kept"] == 3
    first = (tmp_path / "kept.jsonl").read_bytes()
    assert run.run(settings(tmp_path, conversations=5))["kept"] == 5
    assert (tmp_path / "kept.jsonl").read_bytes().startswith(first)
    with pytest.raises(UsageProblem, match="another max_attempts"):
        run.run(settings(tmp_path, conversations=5, max_attempts=1))


def test_shards_make_the_same_bytes(desk, tmp_path):
    from refine.outputs import write_outputs

    run.run(settings(tmp_path / "whole", conversations=11))
    settled = run.settled(settings(tmp_path / "parts", conversations=11))
    for number in range(3):
        run.run_shard(settled, tmp_path / "parts" / f"shard-{number:03d}", (number, 3))
    write_outputs(tmp_path / "parts")
    assert outputs(tmp_path / "parts") == outputs(tmp_path / "whole")


def test_the_cost_limit_starts_nothing_new(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "write_values", lambda *arguments: {})
    monkeypatch.setattr(crews, "open_judge", lambda engine, about, opened: crews.Judge(about.model, Priced.last))

    class Priced(Reciter):
        last = None

        def submit(self, key, prompt, sampling):
            super().submit(key, prompt, sampling)
            done = self._ready[-1]
            self._ready[-1] = replace(done, generation=replace(done.generation, prompt_tokens=1000))

    found = {}

    def of(self, number):
        return found.setdefault(number, borrowing(desk, number=number, seed=number))

    Priced.last = Priced(lambda n: of(None, n), desk.tools())
    prices = {"m": {"prompt": 1000.0, "completion": 0.0}}
    told = settings(tmp_path, crew=Crew("m"), prices=prices, cost_limit=20.0, conversations=8)
    counts = run.run(told)
    assert counts["left"] > 0
    assert counts["kept"] + counts["left"] == 8
    assert run.run(replace(told, cost_limit=1e6))["kept"] == 8
    with pytest.raises(UsageProblem, match="needs --prices"):
        settings(tmp_path, crew=Crew("m"), cost_limit=1.0)


def test_the_value_writers_calls_count_towards_the_cost_limit(desk, tmp_path, monkeypatch):
    def charge(folder, *arguments):
        with Ledger(folder / values.FOLDER, {}) as ledger:
            line = {"index": 0, "model": "m", "prompt_tokens": 1000, "completion_tokens": 0}
            ledger.append(ledger.calls, line)
        return {}

    monkeypatch.setattr(run, "write_values", charge)
    monkeypatch.setattr(crews, "open_judge", lambda engine, about, opened: crews.Judge(about.model, Reciter(None, ())))
    prices = {"m": {"prompt": 1000.0, "completion": 0.0}}
    told = settings(tmp_path, crew=Crew("m"), prices=prices, cost_limit=1.0, conversations=8)
    assert run.run(told) == {"kept": 0, "dropped": 0, "hard": 0, "unjudged": 0, "left": 8}
    monkeypatch.setattr(run, "write_values", lambda *arguments: None)
    with pytest.raises(RunIncomplete, match="not all values were written"):
        run.run(told)


def test_a_dry_run_counts_what_a_run_without_failures_asks(desk, tmp_path):
    found = estimate(settings(tmp_path, conversations=10))
    assert found.conversations == 9
    run.run(settings(tmp_path, conversations=10))
    asked = list(read_lines(tmp_path / "calls.jsonl"))
    assert found.calls[0] == len(asked)
    assert found.calls[1] > 2 * found.calls[0]
    assert sum(found.stages.values()) == len(asked)


def test_text_of_tools_and_models_is_escaped_in_the_report(desk, tmp_path):
    attack = "<script>alert(1)</script>"

    def list_subjects(self):
        """List."""
        return attack

    desk.kind.list_subjects = list_subjects

    class Loud(Reciter):
        slots = 1

        def submit(self, key, prompt, sampling):
            super().submit(key, prompt, sampling)
            done = self._ready[-1]
            said = json.loads(done.generation.text)
            if "thought" in said:
                said["thought"] += attack
            self._ready[-1] = replace(done, generation=replace(done.generation, text=json.dumps(said)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crews, "Reciter", Loud)
        run.run(settings(tmp_path, conversations=2))
    report.write(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert attack not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_environments_of_a_benchmark_are_held_against_its_own_questions(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(desk, "benchmark", "acebench", raising=False)
    assert run.settled(settings(tmp_path, benchmark_environments=True)).refused == ("acebench",)


def test_the_command_says_what_came_of_it(desk, tmp_path):
    words = ["synth", "run", "test:desk", "-o", str(tmp_path), "-m", "walk", "-n", "4"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert "4 planned > 4 walked > 4 asked > 4 solved > 4 kept" in done.output
    again = CliRunner().invoke(cli, [*words, "--json"])
    assert json.loads(again.stdout)["kept"] == 4
    dry = CliRunner().invoke(cli, [*words, "--dry-run"])
    assert "4 of 4 conversations have a walk" in dry.output
    stats = CliRunner().invoke(cli, ["stats", str(tmp_path)])
    assert stats.exit_code == 0, stats.output
    assert "solved" in stats.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--role", "jugde=x"], "judge"),
        (["--role", "judge"], "has no ="),
        (["--role", "query=a", "--role", "query=b"], "Only judges vote"),
        (["--votes", "2"], "repeat each other"),
    ],
)
def test_flags_that_cannot_be_meant_are_refused(desk, tmp_path, words, says):
    done = CliRunner().invoke(cli, ["synth", "run", "test:desk", "-o", str(tmp_path), "-m", "walk", *words])
    assert isinstance(done.exception, UsageProblem)
    assert says in str(done.exception)


def test_walks_graph_and_values_are_found_once_and_kept(monkeypatch, tmp_path):
    """The real walker on the desk: the second run walks by what the first has written."""
    environment = DeskEnvironment()
    monkeypatch.setattr(run, "open_environment", lambda *arguments: environment)
    monkeypatch.setattr("os.fsync", lambda file: None)
    told = replace(settings(tmp_path, conversations=6), plan=PlanSettings(seed=3, turns=(1, 2), calls=(1, 3)))
    counts = run.run(told)
    assert counts["kept"] >= 2
    assert counts["kept"] + counts["dropped"] == 6
    rows = [row for row in examples.read(tmp_path / "kept.jsonl") if isinstance(row, Example)]
    assert all(row.source["trace"]["turns"] for row in rows)
    graph = (tmp_path / walks.GRAPH).read_bytes()
    first = outputs(tmp_path)
    for name in ("calls.jsonl", "outcomes.jsonl"):
        (tmp_path / name).unlink()
    monkeypatch.setattr(walks, "Prober", None)
    assert run.run(told) == counts
    assert (outputs(tmp_path), (tmp_path / walks.GRAPH).read_bytes()) == (first, graph)
