"""A benchmark whose samples talk with a simulated user: two engines at work, and what the record says of both."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.entries import entries
from harness.analysis.outcomes import disagreements
from harness.analysis.sides import read
from harness.engines.scripted import PLUGIN as SCRIPTED
from harness.errors import RunIncomplete, UsageProblem
from harness.protocols import Play
from harness.results import store
from harness.running import users
from harness.running.plan import RunSpec, SharedEngine, plan
from harness.running.rejudging import rejudged
from harness.running.retelling import retell
from harness.running.runner import run
from harness.running.users import Sides, UserSpec
from harness.types import Completion, EngineSettings, Episode, Generation, Prompt, Query, RequestKey, Sampling, Verdict
from harness.types import Sample as Item
from tests.toy import Toy, install


class Talk(Toy):
    """In `echo` the user speaks first and last, the model twice in between; what matters is what each was told."""

    with_user = ("echo",)

    def play(self, sample: Item[Any], before: Mapping[str, Episode]) -> Play:
        said: tuple[dict[str, str], ...] = ()
        for turn, asks in enumerate(("user", "model", "model", "user")):
            reply = yield Query(({"role": "user", "content": sample.id}, *said), turn=turn, asks=asks)  # type: ignore[arg-type]
            said = (*said, {"role": "assistant", "content": reply.text})

    def check(self, sample: Item[Any], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        told = [(step.asked, step.reply.text) for step in episode.steps]
        right = [("user", "person 0"), ("model", "model 1"), ("model", "model 2"), ("user", "person 3")]
        return {"echo": Verdict("pass") if told == right else Verdict("fail", "wrong", evidence={"told": told})}


@pytest.fixture(autouse=True)
def talk(monkeypatch: pytest.MonkeyPatch) -> None:
    install(Talk(), monkeypatch.setattr)


def script(path: Path, name: str) -> Path:
    """Every sample's step n is answered with `<name> n`; two tokens each."""
    path.write_text(json.dumps({f"echo_{i}": [f"{name} {step}" for step in range(4)] for i in range(12)}))
    return path


def spec_of(folder: Path, user: str | None = "person", **changes: Any) -> RunSpec:
    model = EngineSettings("model", options={"script": str(script(folder / "model.json", "model"))})
    who = None
    if user:
        options = {"script": str(script(folder / f"{user}.json", "person"))}
        who = UserSpec(EngineSettings(user, options=options), "scripted")
    spec = RunSpec(model, "toy", ("echo",), engine="scripted", handler="prompt", output=folder / "results", user=who)
    return replace(spec, **changes)


def test_each_side_is_asked_what_is_its_own(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    record = run(spec)
    assert (record.status, record.scores["echo"].passed) == ("complete", 12)
    lines = list(store.read_samples(store.path_of(spec.output, record), pytest.fail))
    assert [step.asked for step in lines[0].steps] == ["user", "model", "model", "user"]
    assert record.tokens["completion"] == record.tokens["user_completion"] == 12 * 2 * 2
    folder = store.path_of(spec.output, record)
    assert rejudged(folder, "upstream", pytest.fail)[0].scores == record.scores


def test_the_record_names_the_user_with_settings_and_hash(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    record = run(spec)
    assert record.user.model == "person"
    assert record.user.engine["name"] == "scripted"
    assert record.user.sampling["temperature"] == users.SAMPLING.temperature == 0.001
    assert record.user.handler == "prompt"
    assert len(record.user.sha256 or "") == 64
    assert store.read_run(store.path_of(spec.output, record)).user == record.user


def test_another_user_is_another_run_and_is_not_compared(tmp_path: Path) -> None:
    first, again = run(spec_of(tmp_path)), run(spec_of(tmp_path))
    assert first.run_id == again.run_id, "the same command finds its run"
    other = spec_of(tmp_path, "somebody")
    second = run(other)
    assert second.run_id != first.run_id
    warmer = replace(other, user=replace(other.user, sampling=Sampling(temperature=1.0)))  # type: ignore[type-var]
    assert run(warmer).user.sha256 != second.user.sha256
    sides = [read(store.path_of(other.output, record)) for record in (first, second)]
    assert any("user_sha256 differs" in sentence for sentence in disagreements(*sides))
    rows = entries([("a", first), ("b", second)])
    assert len(rows) == 2
    assert {row.label.split()[3] for row in rows} == {"person", "somebody"}, "model (toy user NAME HASH)"


def test_a_run_without_a_user_goes_with_any(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    alone = run(replace(spec, categories=("talk",)))
    first, second = run(spec), run(spec_of(tmp_path, "somebody"))
    rows = entries([("a", alone), ("b", first), ("c", second)])
    assert sorted(len(row.records) for row in rows) == [1, 2]
    sides = [read(store.path_of(spec.output, record)) for record in (alone, first)]
    assert disagreements(*sides) == []


def test_a_user_that_nobody_asks_is_no_part_of_a_run(tmp_path: Path) -> None:
    spec = replace(spec_of(tmp_path), categories=("talk",))
    assert plan(spec, SharedEngine("scripted", spec.settings)).record.user.sha256 is None
    assert (
        plan(spec, SharedEngine("scripted", spec.settings)).record.config_sha256
        == plan(replace(spec, user=None), SharedEngine("scripted", spec.settings)).record.config_sha256
    )


def test_a_run_without_a_user_that_needs_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="--user-model") as error:
        run(spec_of(tmp_path, None))
    assert "echo needs a simulated user" in str(error.value)
    assert not (tmp_path / "results").exists()


def test_a_user_that_faults_is_a_fault_and_no_score(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    entries = [{"id": f"echo_{i}", "step": 3, "fault": "HTTP 500"} for i in range(3)]
    entries += [{"id": f"echo_{i}", "step": step, "text": f"person {step}"} for i in range(12) for step in (0, 3)][6:]
    entries += [{"id": f"echo_{i}", "step": 0, "text": "person 0"} for i in range(3)]
    path = tmp_path / "faulty.jsonl"
    path.write_text("\n".join(map(json.dumps, entries)))
    settings = EngineSettings("person", options={"script": str(path)})
    record = run(replace(spec, user=UserSpec(settings, "scripted")))
    assert (record.status, record.scores["echo"].unscored, record.scores["echo"].judged) == ("incomplete", 3, 9)


def test_a_page_tells_who_said_what(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, limit="1")
    record = run(spec)
    folder = store.path_of(spec.output, record)
    (line,) = store.read_samples(folder)
    (told,) = retell(record, {line.key: line}).values()
    names = [entry.get("name") for entry in told.talk if entry["role"] == "reply"]
    assert names == ["simulated user", None, None, "simulated user"]


class Broken:
    version, slots = "1", 4

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        pass

    def collect(self) -> Sequence[Completion]:
        raise OSError("the socket is gone")

    def close(self) -> None:
        pass


def test_an_engine_that_breaks_on_either_side_ends_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, opened = spec_of(tmp_path), SCRIPTED.open
    monkeypatch.setattr(
        type(SCRIPTED), "open", lambda self, given: Broken() if given.model == "person" else opened(given)
    )
    with pytest.raises(RunIncomplete, match="the socket is gone"):
        run(spec)


def test_two_sessions_are_collected_as_one(tmp_path: Path) -> None:
    def session(name: str, delay: float) -> Any:
        path = script(tmp_path / f"{name}.json", name)
        return SCRIPTED.open(EngineSettings(name, options={"script": str(path), "delay": delay, "slots": 2}))

    sides = Sides({"model": session("model", 0.02), "user": session("person", 0.0)})
    keys = [RequestKey(f"echo_{i}", 0, i % 4) for i in range(12)]
    for i, key in enumerate(keys):
        sides.submit("user" if i % 3 else "model", (key, Prompt(()), Sampling()))
    found: dict[RequestKey, Generation | None] = {}
    while len(found) < len(keys):
        found |= {completion.key: completion.generation for completion in sides.collect()}
    sides.close()
    for i, key in enumerate(keys):
        generation = found[key]
        assert generation is not None
        assert generation.text == f"{'person' if i % 3 else 'model'} {i % 4}"


def test_nothing_is_left_running(tmp_path: Path) -> None:
    run(spec_of(tmp_path))
    for thread in threading.enumerate():
        if thread.name == "engine side":
            thread.join(5)
            assert not thread.is_alive()
