from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness import plugins
from harness.engines.scripted import Reciting
from harness.errors import RunIncomplete, SandboxUnavailable, UsageProblem
from harness.protocols import Play
from harness.results import store
from harness.results.lines import encode, encode_generation
from harness.results.store import SampleLine
from harness.results.waiting import WAITING, encode_reply
from harness.running.judges import Judges
from harness.running.plan import RunSpec
from harness.running.progress import Silent
from harness.running.runner import run
from harness.types import Completion, EngineSettings, Episode, Prompt, Query, RequestKey, Sample, Sampling, Score
from tests.toy import SIZE, Toy, install

ECHO = [f"echo_{i}" for i in range(SIZE)]


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Toy:
    made = Toy()
    install(made, monkeypatch.setattr)
    return made


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return write(tmp_path / "script.json", {})


def write(path: Path, entries: Mapping[str, Any]) -> Path:
    """A script in which `echo` is answered rightly, but for the entries given."""
    path.write_text(json.dumps({name: name for name in ECHO} | dict(entries)))
    return path


def spec_of(script: Path, *categories: str, **changes: Any) -> RunSpec:
    options = {"script": str(script), "default": "so so", **changes.pop("options", {})}
    settings = EngineSettings("model", options=options)
    values = {"engine": "scripted", "handler": "prompt", "output": script.parent / "results"} | changes
    return RunSpec(settings, "toy", categories or ("echo",), **values)


def lines_of(spec: RunSpec, record: Any) -> dict[tuple[str, int], SampleLine]:
    found = list(store.read_samples(store.path_of(spec.output, record), pytest.fail))
    assert len({line.key for line in found}) == len(found)
    return {line.key: line for line in found}


def timeless(lines: Mapping[Any, SampleLine]) -> dict[Any, SampleLine]:
    return {key: replace(line, seconds=0.0) for key, line in lines.items()}


@pytest.mark.usefixtures("toy")
def test_every_sample_is_played_judged_and_stored_once(script: Path) -> None:
    spec = spec_of(write(script, {"echo_3": "wrong", "echo_4": {"text": "echo_4", "finish": "length"}}))
    record = run(spec)
    assert record.status == "complete"
    assert record.scores == {"echo": Score(n=SIZE, judged=SIZE, passed=SIZE - 1, unscored=0, truncated=1)}
    assert (record.benchmark.n, record.benchmark.left) == (SIZE, 0)
    assert record.tokens["completion"] == SIZE
    assert record == store.read_run(store.path_of(spec.output, record))
    lines = lines_of(spec, record)
    assert sorted(lines) == sorted((name, 0) for name in ECHO)
    assert lines["echo_3", 0].verdicts["echo"].evidence == {"replies": ["wrong"]}


@pytest.mark.usefixtures("toy")
def test_turns_dependencies_helpers_and_double_counting(script: Path) -> None:
    spec = spec_of(script, "talk", "chain", "hint", "hinted", "double", repeats=2)
    record = run(spec)
    lines = lines_of(spec, record)
    assert len(lines) == 2 * 5 * SIZE
    assert [step.turn for step in lines["talk_1", 1].steps] == [0, 1, 2]
    assert lines["hint_0", 0].verdicts == {}
    assert set(record.scores) == {"talk", "chain", "hinted", "double", "double_plus"}
    assert {score.n for score in record.scores.values()} == {2 * SIZE}


class Watching(Reciting):
    """Remembers what it was asked and how much was in flight."""

    opened: ClassVar[list[Watching]] = []

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked: dict[RequestKey, tuple[Prompt, Sampling]] = {}
        self.flying = self.most = 0
        self.idle = 0
        self.opened.append(self)

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        assert key not in self.asked
        self.asked[key] = prompt, sampling
        self.flying += 1
        self.most = max(self.most, self.flying)
        super().submit(key, prompt, sampling)

    def collect(self) -> Sequence[Completion]:
        self.idle += self.flying < self.slots
        out = super().collect()
        self.flying -= len(out)
        return out


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Watching]]:
    monkeypatch.setattr("harness.engines.scripted.Reciting", Watching)
    yield Watching.opened
    Watching.opened.clear()


@pytest.mark.usefixtures("toy")
def test_a_dependent_sees_what_it_depends_on(script: Path, watching: list[Watching]) -> None:
    write(script, {"chain_4": "from the fourth"})
    run(spec_of(script, "chain"))
    prompt, _ = watching[0].asked[RequestKey("chain_5", 0, 0)]
    assert prompt.messages[0]["content"] == "from the fourth"


@pytest.mark.usefixtures("toy")
def test_a_limit_brings_what_the_chosen_depend_on(script: Path) -> None:
    spec = spec_of(script, "chain", "echo", ids=("chain_3", "echo_7"))
    lines = lines_of(spec, run(spec))
    assert sorted(name for name, _ in lines) == ["chain_0", "chain_1", "chain_2", "chain_3", "echo_7"]


@pytest.mark.usefixtures("toy")
def test_an_unknown_sample_is_refused(script: Path) -> None:
    with pytest.raises(UsageProblem, match=r"'echo_99'.*\n.*Did you mean"):
        run(spec_of(script, ids=("echo_1", "echo_99")))


@pytest.mark.usefixtures("toy")
def test_dependencies_are_read_back_on_resume(script: Path, watching: list[Watching]) -> None:
    write(script, {"chain_4": "from the fourth", "chain_5": {"fault": "HTTP 500"}})
    spec = spec_of(script, "chain")
    first = run(spec)
    # What depends on a fault is a fault as well, and all of it is played again.
    assert first.benchmark.left == SIZE - 5
    write(script, {"chain_4": "never asked again", "chain_5": "fine now"})
    second = run(spec)
    assert (second.run_id, second.status) == (first.run_id, "complete")
    assert {key.sample_id for key in watching[1].asked} == {f"chain_{i}" for i in range(5, SIZE)}
    assert watching[1].asked[RequestKey("chain_5", 0, 0)][0].messages[0]["content"] == "from the fourth"


@pytest.mark.usefixtures("toy")
def test_slots_are_kept_full(script: Path, watching: list[Watching]) -> None:
    run(spec_of(script, "talk", "echo", options={"slots": 5, "delay": 0.001}))
    session = watching[0]
    assert session.most == 5
    # Only the last few requests of the run leave slots empty.
    assert session.idle <= 5 * 3


@pytest.mark.usefixtures("toy")
def test_one_slow_episode_holds_nobody_up(script: Path) -> None:
    write(script, {"echo_0": {"text": "echo_0", "delay": 0.3}})
    spec = spec_of(script, options={"slots": 2})
    lines = lines_of(spec, run(spec))
    assert list(lines)[-1] == ("echo_0", 0)


@pytest.mark.usefixtures("toy")
def test_repeats_are_separate_and_have_seeds_of_their_own(script: Path, watching: list[Watching]) -> None:
    script.write_text(json.dumps({}))
    answers = [{"id": "echo_0", "repeat": k, "text": "echo_0" if k % 2 else "no"} for k in range(4)]
    jsonl = script.with_suffix(".jsonl")
    jsonl.write_text("\n".join(json.dumps(entry) for entry in answers))
    spec = spec_of(jsonl, repeats=4, ids=("echo_0",), sampling=Sampling(temperature=1.0, seed=10))
    record = run(spec)
    assert record.scores["echo"] == Score(n=4 * SIZE, judged=4, passed=2, unscored=0)
    assert [sampling.seed for _, sampling in watching[0].asked.values()] == [10, 11, 12, 13]
    assert run(spec).scores == record.scores
    assert len(watching) == 1


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("workers", [0, 3])
def test_results_do_not_depend_on_order_or_threads(script: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    install(Toy(workers), monkeypatch.setattr)
    categories = Toy().tasks()["all_of_it"]
    plain = spec_of(script, *categories, output=script.parent / "plain")
    expected = run(plain)
    shuffled = {
        f"{name}_{i}": {"text": "so so", "delay": random.Random(i).random() / 200}
        for name in categories
        for i in range(SIZE)
    }
    spec = spec_of(write(script, shuffled | {name: {"text": name, "delay": 0.002} for name in ECHO}), *categories)
    record = run(spec)
    assert record.scores == expected.scores

    def outcome(lines: Mapping[Any, SampleLine]) -> dict[Any, Any]:
        return {key: ([step.generation.text for step in line.steps], line.verdicts) for key, line in lines.items()}

    assert outcome(lines_of(spec, record)) == outcome(lines_of(plain, expected))


@pytest.mark.usefixtures("toy")
def test_a_fault_is_unscored_and_tried_again(script: Path) -> None:
    spec = spec_of(write(script, {"echo_2": {"fault": "HTTP 500"}}))
    record = run(spec)
    assert record.status == "incomplete"
    assert record.scores["echo"] == Score(n=SIZE, judged=SIZE - 1, passed=SIZE - 1, unscored=1)
    line = lines_of(spec, record)["echo_2", 0]
    assert line.fault == "HTTP 500"
    assert (line.verdicts["echo"].outcome, line.verdicts["echo"].message) == ("unscored", "HTTP 500")
    write(script, {})
    assert run(replace(spec, retry_errors=False)).benchmark.left == 1
    again = run(spec)
    assert (again.run_id, again.status, again.scores["echo"].passed) == (record.run_id, "complete", SIZE)


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("where", ["play", "check"])
def test_an_exception_ends_only_its_item(script: Path, where: str) -> None:
    spec = spec_of(write(script, {"echo_2": f"crash in {where}"}))
    record = run(spec)
    assert record.scores["echo"] == Score(n=SIZE, judged=SIZE - 1, passed=SIZE - 1, unscored=1)
    line = lines_of(spec, record)["echo_2", 0]
    assert line.fault == f"{where}: ValueError: {where}ed badly"
    assert [step.generation.text for step in line.steps] == [f"crash in {where}"]


def loses(folder: Path, names: Sequence[str]) -> None:
    """Take lines away and let their replies wait, as a kill before the verdict would have left them."""
    lines = list(store.read_samples(folder, pytest.fail))
    (folder / store.SAMPLES).write_bytes(b"".join(encode(line) for line in lines if line.id not in names))
    waiting = [
        encode_reply(RequestKey(*line.key, place), encode_generation(step.generation))
        for line in lines
        if line.id in names
        for place, step in enumerate(line.steps)
    ]
    (folder / WAITING).write_bytes(b"".join(waiting))


@pytest.mark.usefixtures("toy")
def test_what_waits_is_judged_and_no_engine_is_opened(script: Path, watching: list[Watching]) -> None:
    spec = spec_of(script, "talk", "chain", "hint", "hinted", "double", repeats=2)
    first = run(spec)
    folder = store.path_of(spec.output, first)
    before = lines_of(spec, first)
    loses(folder, ["talk_3", "chain_7", "chain_8", "hint_1", "double_2"])
    record = run(spec)
    assert len(watching) == 1
    assert timeless(lines_of(spec, record)) == timeless(before)
    assert (record.scores, record.tokens, record.status) == (first.scores, first.tokens, "complete")
    assert not (folder / WAITING).exists()


@pytest.mark.usefixtures("toy")
def test_what_waits_is_judged_before_an_engine_is_loaded(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_of(script)
    first = run(spec)
    folder = store.path_of(spec.output, first)
    loses(folder, ["echo_3", "echo_8"])
    lines = (folder / WAITING).read_bytes().splitlines(keepends=True)
    (folder / WAITING).write_bytes(lines[1] + lines[0][:40])

    def broken(name: str, settings: EngineSettings) -> Any:
        raise UsageProblem("no server answers")

    monkeypatch.setattr(plugins, "open_engine", broken)
    with pytest.raises(UsageProblem, match="no server"):
        run(spec)
    assert ("echo_8", 0) in lines_of(spec, first)
    assert store.read_run(folder).benchmark.left == 1


@pytest.mark.usefixtures("toy")
def test_an_episode_goes_on_after_the_reply_it_has(script: Path, watching: list[Watching]) -> None:
    write(script, {"talk_1": ["one", "two", "three"]})
    spec = spec_of(script, "talk")
    lines = lines_of(spec, run(spec))
    faulty = [{"id": "talk_1", "step": 0, "text": "one"}, {"id": "talk_1", "step": 1, "text": "two"}]
    faulty += [{"id": "talk_1", "step": 2, "fault": "HTTP 500"}]
    jsonl = script.with_suffix(".jsonl")
    jsonl.write_text("\n".join(json.dumps(entry) for entry in faulty))
    spec = spec_of(jsonl, "talk")
    first = run(spec)
    assert len(lines_of(spec, first)["talk_1", 0].steps) == 2, "a fault keeps the replies so far"
    jsonl.write_text("\n".join(json.dumps({"id": "talk_1", "step": i, "text": t}) for i, t in enumerate("abc")))
    record = run(spec)
    assert [*watching[2].asked] == [RequestKey("talk_1", 0, 2)]
    texts = [step.generation.text for step in lines_of(spec, record)["talk_1", 0].steps]
    assert texts == ["one", "two", "c"]
    assert timeless(lines_of(spec, record)).keys() == lines.keys()


def test_a_fault_of_the_judge_is_judged_again_and_not_asked_again(
    script: Path, watching: list[Watching], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("no space left")

    toy = Toy()
    install(toy, monkeypatch.setattr)
    spec = spec_of(script)
    with monkeypatch.context() as patch:
        patch.setattr(toy, "check", broken)
        first = run(spec)
    assert first.scores["echo"].unscored == SIZE
    record = run(spec)
    assert len(watching) == 1
    assert (record.run_id, record.status, record.scores["echo"].passed) == (first.run_id, "complete", SIZE)


@pytest.mark.usefixtures("toy")
def test_overwriting_forgets_what_waits(script: Path, watching: list[Watching]) -> None:
    spec = spec_of(script)
    first = run(spec)
    loses(store.path_of(spec.output, first), ["echo_3"])
    record = run(replace(spec, overwrite=True))
    assert len(watching[1].asked) == SIZE
    assert record.status == "complete"


@pytest.mark.usefixtures("toy")
def test_a_reply_that_comes_too_late_is_kept_for_the_next_session(script: Path, watching: list[Watching]) -> None:
    others = {name: {"text": name, "delay": 0.05} for name in ECHO}
    write(script, others | {"echo_0": {"text": "echo_0", "delay": 0.35}})
    spec = spec_of(script, "echo", options={"slots": 2}, sample_timeout=0.2)
    first = run(spec)
    assert lines_of(spec, first)["echo_0", 0].fault == "took longer than 0.2 s"
    record = run(spec)
    assert len(watching) == 1
    assert (record.status, record.scores["echo"].passed) == ("complete", SIZE)


def test_a_full_backlog_holds_new_episodes_and_no_replies(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Toy):
        def check(self, sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Any:
            time.sleep(0.01)
            return super().check(sample, episode, rules)

    most = 0

    class Counting(Judges):
        def submit(self, played: Any) -> None:
            nonlocal most
            super().submit(played)
            most = max(most, self._unjudged)

    monkeypatch.setattr("harness.running.judges.BACKLOG", 4)
    monkeypatch.setattr("harness.running.runner.Judges", Counting)
    install(Slow(check_workers=1), monkeypatch.setattr)
    record = run(spec_of(script, "echo", "talk", "chain", options={"slots": 3}))
    assert (record.status, record.benchmark.left) == ("complete", 0)
    assert most <= 4 + 2 * 3


class Clumsy:
    """A handler with a bug for one sample."""

    name = "prompt"
    fit = None
    native = continues = False

    def __init__(self, method: str) -> None:
        self.method, self.real = method, plugins.load("handlers", "prompt")

    def matches(self, model: Any) -> str:
        return "clumsy"

    def render(self, query: Query) -> Prompt:
        return self._do("render", query, lambda: self.real.render(query))

    def parse(self, generation: Any, query: Query) -> Any:
        return self._do("parse", query, lambda: self.real.parse(generation, query))

    def _do(self, method: str, query: Query, act: Any) -> Any:
        if method == self.method and query.messages[0]["content"] == "echo 5 turn 0":
            raise LookupError("clumsy")
        return act()


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("method", ["render", "parse"])
def test_a_bug_in_a_handler_ends_only_its_item(script: Path, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clumsy = Clumsy(method)
    monkeypatch.setattr(plugins, "handler", lambda *_: clumsy)
    record = run(spec_of(script))
    assert (record.scores["echo"].passed, record.scores["echo"].unscored) == (SIZE - 1, 1)


@pytest.mark.usefixtures("toy")
def test_where_all_is_cached_no_engine_is_opened(script: Path, watching: list[Watching]) -> None:
    spec = spec_of(script)
    first = run(spec)
    folder = store.path_of(spec.output, first)
    samples = (folder / store.SAMPLES).read_bytes()
    second = run(spec)
    assert len(watching) == 1
    assert replace(second, seconds=first.seconds) == first
    assert (folder / store.SAMPLES).read_bytes() == samples


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    "change",
    [
        {"limit": "3"},
        {"repeats": 2},
        {"sampling": Sampling(temperature=0.5)},
        {"rules": "strict"},
        {"handler": "funreason"},
        {"handler_options": {"think_prefix": "<think>"}},
        {"options": {"default": "other"}},
        {"predict_only": True},
    ],
    ids=str,
)
def test_another_configuration_is_another_run(script: Path, change: dict[str, Any]) -> None:
    first = run(spec_of(script))
    assert run(spec_of(script, **change)).run_id != first.run_id
    assert run(spec_of(script)).run_id == first.run_id


@pytest.mark.usefixtures("toy")
def test_another_layout_is_the_same_run(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reciting, "version", "engine 1, torch 2")
    first = run(spec_of(script, options={"slots": 4}, limit="3"))
    (store.path_of(spec_of(script).output, first) / store.SAMPLES).write_bytes(b"")
    again = run(spec_of(script, options={"slots": 2, "delay": 0.01}, limit="3"))
    assert again.run_id == first.run_id
    assert first.machine.layout == {"slots": 4}
    assert again.machine.layout == {"slots": 2, "delay": 0.01}
    # A row of a leaderboard is made of runs whose engines agree.
    assert again.engine == first.engine
    assert again.engine.version == "engine 1, torch 2"
    assert again.engine.options.keys() == {"script", "default"}


@pytest.mark.usefixtures("toy")
def test_what_waits_when_the_money_is_spent_is_left_and_no_fault(script: Path) -> None:
    """Two tokens a reply, a dollar a token; every sample of a chain needs the one before it."""
    spec = replace(spec_of(script, "chain"), prices={"prompt": 0.0, "completion": 1e6}, cost_limit=5.0)
    first = run(spec)
    assert (first.status, first.benchmark.left, first.usage.usd) == ("incomplete", SIZE - 3, 6.0)
    assert {line.fault for line in lines_of(spec, first).values()} == {None}
    second = run(replace(spec, cost_limit=None))
    assert (second.run_id, second.status, second.usage.usd) == (first.run_id, "complete", 2.0 * SIZE)


@pytest.mark.usefixtures("toy")
def test_gpu_hours_are_summed_over_sessions(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reciting, "gpus", 2, raising=False)
    first = run(spec_of(write(script, {"echo_3": {"fault": "HTTP 500"}}), options={"delay": 0.02}))
    assert first.usage.gpu_hours == pytest.approx(2 * first.seconds / 3600, rel=0.05)
    monkeypatch.setattr(Reciting, "gpus", 1)
    second = run(spec_of(write(script, {})))
    expected = first.usage.gpu_hours + (second.seconds - first.seconds) / 3600
    assert second.usage.gpu_hours == pytest.approx(expected, abs=2e-6)


@pytest.mark.usefixtures("toy")
def test_without_resume_there_is_a_new_run_and_the_newest_is_continued(script: Path) -> None:
    spec = spec_of(script)
    first, second = run(spec), run(replace(spec, resume=False))
    assert first.run_id < second.run_id
    assert run(spec).run_id == second.run_id


@pytest.mark.usefixtures("toy")
def test_overwriting_plays_all_again_in_the_same_folder(script: Path, watching: list[Watching]) -> None:
    spec = spec_of(script)
    first = run(spec)
    write(script, {"echo_0": "changed"})
    second = run(replace(spec, overwrite=True))
    assert (second.run_id, second.scores["echo"].passed) == (first.run_id, SIZE - 1)
    assert len(watching[1].asked) == SIZE


@pytest.mark.usefixtures("toy")
def test_predict_only_stores_replies_without_verdicts(script: Path) -> None:
    spec = spec_of(script, predict_only=True)
    record = run(spec)
    assert (record.status, record.scores) == ("complete", {})
    assert all(line.steps and not line.verdicts for line in lines_of(spec, record).values())


@pytest.mark.usefixtures("toy")
def test_an_episode_that_takes_too_long_is_a_fault(script: Path) -> None:
    slow = {"echo_1": {"text": "echo_1", "delay": 30}}
    spec = spec_of(write(script, slow), sample_timeout=0.2, options={"delay": 0.15, "slots": 1 + SIZE})
    began = time.monotonic()
    record = run(replace(spec, categories=("echo", "talk")))
    assert time.monotonic() - began < 5
    assert record.scores["echo"] == Score(n=SIZE, judged=SIZE - 1, passed=SIZE - 1, unscored=1)
    # Three turns of 0.15 s each are too long as well.
    assert record.scores["talk"].unscored == SIZE


@pytest.mark.usefixtures("toy")
def test_an_engine_that_cannot_be_opened_leaves_no_run(script: Path) -> None:
    spec = spec_of(script, options={"dely": 3})
    with pytest.raises(UsageProblem, match="delay"):
        run(spec)
    assert store.find_runs(spec.output) == []
    assert not spec.output.exists()


@pytest.mark.usefixtures("toy")
def test_a_results_folder_that_cannot_be_made_is_a_usage_error(script: Path) -> None:
    with pytest.raises(UsageProblem, match="--output"):
        run(spec_of(script, output=script / "results"))


class Breaking(Reciting):
    def collect(self) -> Sequence[Completion]:
        if self._count > 6:
            raise MemoryError("out of memory")
        return super().collect()


class Strange(Reciting):
    def collect(self) -> Sequence[Completion]:
        return [Completion(RequestKey("nobody", 0, 0), None)]


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(("session", "why"), [(Breaking, "out of memory"), (Strange, "was not made")])
def test_an_engine_that_breaks_ends_the_session_and_keeps_what_is_finished(
    script: Path, session: type, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engines.scripted.Reciting", session)
    spec = spec_of(script, options={"slots": 2})
    with pytest.raises(RunIncomplete, match=why):
        run(spec)
    folder = store.find_runs(spec.output)[0]
    assert store.read_run(folder).status == "incomplete"
    kept = len(list(store.read_samples(folder)))
    assert kept == (6 if session is Breaking else 0)
    monkeypatch.undo()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_missing_sandbox_ends_the_run(script: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoSandbox(Toy):
        def check(self, sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Any:
            raise SandboxUnavailable("no sandbox")

    install(NoSandbox(workers), monkeypatch.setattr)
    with pytest.raises(SandboxUnavailable):
        run(spec_of(script))


@pytest.mark.usefixtures("toy")
def test_interrupted_it_keeps_what_is_finished(script: Path) -> None:
    class Interrupting(Silent):
        def update(self) -> None:
            raise KeyboardInterrupt

    spec = spec_of(script, options={"slots": 3})
    with pytest.raises(KeyboardInterrupt):
        run(spec, progress=Interrupting())
    folder = store.find_runs(spec.output)[0]
    record = store.read_run(folder)
    assert (record.status, record.scores["echo"].passed, record.benchmark.left) == ("incomplete", 3, SIZE - 3)
    assert run(spec).status == "complete"


def test_checks_run_at_once_and_do_not_pile_up(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Toy):
        running = most = 0
        mutex = threading.Lock()

        def check(self, sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Any:
            with self.mutex:
                self.running += 1
                self.most = max(self.most, self.running)
            time.sleep(0.02)
            with self.mutex:
                self.running -= 1
            return super().check(sample, episode, rules)

    slow = Slow(check_workers=4)
    install(slow, monkeypatch.setattr)
    record = run(spec_of(script, "echo", "double"))
    assert record.scores["echo"].passed == SIZE
    assert 2 <= slow.most <= 4


def test_samples_that_wait_for_each_other_are_faults(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Circle(Toy):
        def load(self, categories: Sequence[str]) -> Iterator[Sample[Any]]:
            for sample in super().load(categories):
                yield replace(sample, after=({"echo_0": ("echo_1",), "echo_1": ("echo_0",)}.get(sample.id, ())))

    install(Circle(), monkeypatch.setattr)
    record = run(spec_of(script))
    assert (record.scores["echo"].passed, record.scores["echo"].unscored) == (SIZE - 2, 2)


def test_a_play_may_ask_nothing(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mute(Toy):
        def play(self, sample: Sample[Any], before: Mapping[str, Episode]) -> Play:
            yield from ()

    install(Mute(), monkeypatch.setattr)
    assert run(spec_of(script)).scores["echo"].judged == SIZE


@pytest.mark.usefixtures("toy")
def test_replaying_gives_the_same_lines_and_other_rules_other_verdicts(script: Path) -> None:
    spec = spec_of(write(script, {"echo_2": "wrong", "echo_3": {"fault": "HTTP 500"}}), "echo", "talk", repeats=2)
    record = run(spec)
    folder = store.path_of(spec.output, record)
    settings = EngineSettings("model", options={"run": str(folder)})
    again = replace(spec, engine="replay", settings=settings, output=script.parent / "replayed")
    second = run(again)
    assert second.scores == record.scores
    assert timeless(lines_of(again, second)) == timeless(lines_of(spec, record))
    lenient = run(replace(again, rules="lenient"))
    assert lenient.scores["talk"].passed == 2 * SIZE
    assert lenient.scores["echo"].unscored == 2


@pytest.mark.usefixtures("toy")
def test_a_record_says_what_was_planned_of_each_category(script: Path) -> None:
    assert run(spec_of(script)).planned == {"echo": SIZE}
    assert run(spec_of(script, "echo", "talk", limit="2", repeats=3)).planned == {"echo": 6, "talk": 6}
