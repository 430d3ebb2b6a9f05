from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import files
from harness.errors import DataError, RunIncomplete, UsageProblem
from harness.results import store
from harness.results.lines import RecordedStep, SampleLine, decode, encode
from harness.results.writer import Writer
from harness.types import (
    BenchmarkInfo,
    CodeInfo,
    EngineInfo,
    Generation,
    MachineInfo,
    ModelInfo,
    NativeCall,
    RunRecord,
    Sampling,
    Score,
    UsageInfo,
    Verdict,
)
from tests import synthetic_runs

any_text = st.text(st.characters(exclude_categories=()), max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
generations = st.builds(
    Generation,
    any_text,
    st.sampled_from(["stop", "length"]),
    st.none() | st.lists(st.builds(NativeCall, any_text, any_text), max_size=2).map(tuple),
    st.none() | any_text,
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 1000).map(float),
    st.none() | st.integers(0, 10**6),
)
verdicts = st.builds(
    Verdict,
    st.sampled_from(["pass", "fail", "unscored"]),
    st.none() | any_text,
    any_text,
    st.dictionaries(any_text, json_values, max_size=3),
)
lines = st.builds(
    SampleLine,
    any_text,
    st.integers(0, 9),
    any_text,
    st.lists(st.builds(RecordedStep, st.integers(0, 9), generations), max_size=3).map(tuple),
    st.none() | any_text,
    st.dictionaries(any_text, verdicts, max_size=2),
    st.integers(0, 1000).map(float),
)
RECORD = RunRecord(
    run_id="r",
    started="2026-01-01T00:00:00Z",
    status="complete",
    model=ModelInfo("org/model", architectures=("Qwen2ForCausalLM",)),
    benchmark=BenchmarkInfo("toy"),
    handler="prompt",
    engine=EngineInfo("scripted"),
    sampling=Sampling(stop=("x",)),
    rules="upstream",
    repeats=1,
    code=CodeInfo(),
    machine=MachineInfo(),
    config_sha256="c",
    scores={"echo": Score(3, 2, 1, 1)},
)


def line(name: str, fault: str | None = None, text: str = "hello") -> SampleLine:
    return SampleLine(name, 0, "echo", (RecordedStep(0, Generation(text)),), fault, {"echo": Verdict("pass")})


def written(folder: Path, *some: SampleLine) -> Path:
    writer = Writer(folder, retry=lambda _: False)
    for each in some:
        writer.append(each)
    writer.close()
    return folder


@given(lines)
def test_a_line_reads_back_as_it_was_written(made: SampleLine) -> None:
    raw = encode(made)
    assert decode(raw) == made
    assert raw.count(b"\n") == 1
    assert raw.isascii()


@pytest.mark.parametrize("evidence", [{"n": 10**5000}, {"x": {1, 2}}, {"x": [[]]}], ids=["huge", "set", "deep"])
def test_evidence_that_json_cannot_hold_does_not_cost_the_line(evidence: dict[str, object]) -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    verdict = Verdict("fail", "wrong", evidence={"x": deep} if evidence == {"x": [[]]} else evidence)
    found = decode(encode(replace(line("a"), verdicts={"echo": verdict})))
    assert found.verdicts["echo"].code == "wrong"
    assert "dropped" in found.verdicts["echo"].evidence


DAMAGE = {
    "not UTF-8": b'{"id": "\xff\xfe"}\n',
    "cut off": encode(line("x"))[:40] + b"\n",
    "not JSON": b"hello\n",
    "no object": b"[1, 2]\n",
    "null": b"null\n",
    "field missing": b'{"id": "x", "repeat": 0}\n',
    "id no text": encode(line("x")).replace(b'"id": "x"', b'"id": 7'),
    "repeat no integer": encode(line("x")).replace(b'"repeat": 0', b'"repeat": "0"'),
    "reply no text": encode(line("x")).replace(b'"hello"', b"[1]"),
    "unknown outcome": encode(line("x")).replace(b'"pass"', b'"maybe"'),
    "number of 5000 digits": encode(line("x")).replace(b'"hello"', b"9" * 5000),
    "nested deeply": b"[" * 200_000 + b"\n",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_line_is_reported_by_number_and_read_over(tmp_path: Path, damage: bytes) -> None:
    whole = [encode(line("a")), damage, encode(line("b"))]
    (tmp_path / store.SAMPLES).write_bytes(b"".join(whole))
    reports: list[str] = []
    assert [found.id for found in store.read_samples(tmp_path, reports.append)] == ["a", "b"]
    assert [report.split(": ")[0] for report in reports] == [f"{tmp_path / store.SAMPLES}:2"]


def test_lone_surrogates_and_400_digits_are_no_damage(tmp_path: Path) -> None:
    made = replace(line("a", text="\ud800 \x00"), verdicts={"echo": Verdict("fail", "w", evidence={"n": 10**400})})
    assert list(store.read_samples(written(tmp_path, made), pytest.fail)) == [made]


def test_of_two_lines_for_one_item_the_first_counts(tmp_path: Path) -> None:
    reports: list[str] = []
    written(tmp_path, line("a", text="first"), line("b"), line("a", text="second"))
    found = list(store.read_samples(tmp_path, reports.append))
    assert [step.generation.text for each in found for step in each.steps] == ["first", "hello"]
    assert len(reports) == 1
    assert ":3: a second line for 'a' (first in line 1)" in reports[0]


def test_a_run_without_samples_has_none(tmp_path: Path) -> None:
    assert list(store.read_samples(tmp_path)) == []


@pytest.mark.parametrize("cut", range(1, len(encode(line("c"))), 7))
def test_continuing_drops_a_torn_line(tmp_path: Path, cut: int) -> None:
    whole = encode(line("a")) + encode(line("b"))
    (tmp_path / store.SAMPLES).write_bytes(whole + encode(line("c"))[:cut])
    reports: list[str] = []
    writer = Writer(tmp_path, retry=lambda _: False, report=reports.append)
    writer.append(line("d"))
    writer.close()
    kept = [found.id for found in store.read_samples(tmp_path, pytest.fail)]
    # A line that lacks only its line break is whole.
    expected = ["a", "b", "c", "d"] if cut == len(encode(line("c"))) - 1 else ["a", "b", "d"]
    assert kept == expected
    assert len(reports) == (cut < len(encode(line("c"))) - 1)


def test_continuing_drops_what_is_to_be_tried_again(tmp_path: Path) -> None:
    written(tmp_path, line("a", fault="HTTP 500"), line("b"))
    Writer(tmp_path, retry=lambda found: found.fault is not None).close()
    assert (tmp_path / store.SAMPLES).read_bytes() == encode(line("b"))


def test_a_kill_while_rewriting_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, line("a", fault="HTTP 500"), line("b"))
    before = (tmp_path / store.SAMPLES).read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        Writer(tmp_path, retry=lambda _: True)
    assert (tmp_path / store.SAMPLES).read_bytes() == before
    monkeypatch.undo()
    (tmp_path / ".run.json.rest").write_text("{")
    Writer(tmp_path, retry=lambda _: False).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", store.SAMPLES]


def test_two_processes_cannot_write_one_run(tmp_path: Path) -> None:
    hold = f"""
import sys, pathlib
from harness.results.writer import Writer
writer = Writer(pathlib.Path({str(tmp_path)!r}), lambda line: False)
print("held", flush=True)
sys.stdin.read()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", hold], text=True, **pipes) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UsageProblem, match="another process writes"):
            Writer(tmp_path, retry=lambda _: False)
        other.kill()
    Writer(tmp_path, retry=lambda _: False).close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this machine")
def test_a_full_disk_ends_the_run_with_an_error(tmp_path: Path) -> None:
    writer = Writer(tmp_path, retry=lambda _: False)
    with writer._file, open("/dev/full", "ab", buffering=0) as full:
        writer._file = full
        with pytest.raises(RunIncomplete, match="No space left"):
            writer.append(line("a"))


def test_run_json_reads_back(tmp_path: Path) -> None:
    store.write_run(tmp_path, RECORD)
    assert store.read_run(tmp_path) == RECORD


def test_fields_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    store.write_run(tmp_path, RECORD)
    data = json.loads((tmp_path / store.RUN).read_text())
    (tmp_path / store.RUN).write_text(json.dumps(data | {"later": 1}))
    assert store.read_run(tmp_path) == RECORD


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"model": 3}', "\xff"])
def test_a_damaged_run_json_is_a_data_error_that_names_it(tmp_path: Path, text: str) -> None:
    (tmp_path / store.RUN).write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=r"run\.json"):
        store.read_run(tmp_path)


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.write_atomic(path, b"old")

    def broken(_: int) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="no"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_what_is_no_file_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.write_atomic(pipe, b"new")
    assert os.read(reader, 9) == b"new"
    os.close(reader)
    assert pipe.is_fifo()


def test_the_newest_run_of_a_configuration_is_found(tmp_path: Path) -> None:
    base = tmp_path / "org_model" / "toy"
    for name, config in (("20260101T000000Z-a", "c"), ("20260102T000000Z-b", "c"), ("20260103T000000Z-c", "d")):
        (base / name).mkdir(parents=True)
        store.write_run(base / name, replace(RECORD, run_id=name, config_sha256=config))
    (base / "20260104T000000Z-d").mkdir()
    (base / "20260104T000000Z-d" / store.RUN).write_text("{")
    assert store.find_same(tmp_path, RECORD.model, "toy", {"c", "b"}) == base / "20260102T000000Z-b"
    assert store.find_same(tmp_path, RECORD.model, "toy", {"e"}) is None
    assert store.find_run("20260103", tmp_path) == base / "20260103T000000Z-c"
    assert store.find_run(str(base / "20260103T000000Z-c")) == base / "20260103T000000Z-c"
    (alone := tmp_path / "other" / "toy" / "20260105T000000Z-e").mkdir(parents=True)
    store.write_run(alone, RECORD)
    assert store.find_run(str(tmp_path / "other")) == alone
    for name in ("2026", "nothing", str(base)):
        with pytest.raises(UsageProblem, match="run"):
            store.find_run(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "adapter", "expected"),
    [
        ("Qwen/Qwen2.5-Coder-7B", None, "Qwen_Qwen2.5-Coder-7B"),
        ("/models/tuned", None, "tuned"),
        ("./a/../b", None, "b"),
        ("base", "/adapters/lora", "base_lora"),
        ("/adapters/lora", "/adapters/lora", "lora"),
        ("../../etc/passwd\n", None, "passwd"),
        ("http://host:80/v1", None, "http_host_80_v1"),
        ("..", None, Path("..").resolve().name),
        ("\U0001f600", None, "model"),
    ],
)
def test_a_model_names_its_folder(name: str, adapter: str | None, expected: str) -> None:
    assert store.slug(ModelInfo(name, adapter=adapter)) == expected


def test_a_misspelt_run_is_answered_by_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = synthetic_runs.write(Path("results"), "tuned", {"multiple": 1})
    assert store.find_run(run.name[:12]) == run
    for typed, meant in (("results/tunde/bfcl", "results/tuned/bfcl"), (run.name[1:], run.name)):
        with pytest.raises(UsageProblem, match=f"is not a run\nGive the folder of a run. Did you mean .*{meant}"):
            store.find_run(typed)
    with pytest.raises(UsageProblem, match="`harness list runs` shows all"):
        store.find_run("something else")
    synthetic_runs.write(Path("results"), "tuned", {"multiple": 1})
    with pytest.raises(UsageProblem, match="'results/tuned' is more than one run"):
        store.find_run("results/tuned")


EARLIER = {
    "run_id": "20260101T000000000Z-abcdef",
    "started": "2026-01-01T00:00:00Z",
    "status": "complete",
    "model": {"name": "m", "architectures": ["Qwen2ForCausalLM"], "colour": "green"},
    "benchmark": {"name": "toy", "version": "1", "categories": ["echo"], "n": "many", "colour": "green"},
    "handler": "prompt",
    "engine": {"name": "hf", "version": "torch 2", "options": {"token_budget": 9}, "threads": 4},
    "sampling": {"temperature": 0.5, "stop": ["x"]},
    "rules": "upstream",
    "repeats": 2,
    "code": {"git": None, "dirty": None},
    "machine": {"cores": 2, "gpus": ["H100, 80 GB"], "memory_gb": 8},
    "config_sha256": "c",
}


def test_a_record_of_another_version_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """What it lacks is not known, what it has too much is ignored."""
    (tmp_path / store.RUN).write_text(json.dumps(EARLIER))
    record = store.read_run(tmp_path)
    assert record.benchmark == BenchmarkInfo("toy", "1", categories=("echo",))
    assert record.engine == EngineInfo("hf", "torch 2", options={"token_budget": 9})
    assert record.machine == MachineInfo(cores=2, memory_gb=8, gpus=("H100, 80 GB",))
    assert (record.code, record.usage) == (CodeInfo(), UsageInfo())
    assert (record.sampling.stop, record.model.architectures) == (("x",), ("Qwen2ForCausalLM",))
    store.write_run(tmp_path, record)
    assert store.read_run(tmp_path) == record


KEYS = {
    "benchmark": "name version data_sha256 checker_sha256 parts categories n limit ids samples_sha256 left waiting",
    "engine": "name version batch_size tokenizer dtype device chat_template chat_template_kwargs options",
    "code": "git dirty harness packages",
    "machine": "platform python cpu cores memory_gb gpus layout sandbox",
    "usage": "latency_mean latency_p50 latency_p95 latency_p99 cache_hit_rate samples_per_second tokens_per_second "
    "gpu_hours prices usd",
}
"""What `run.json` has had since version 0.1.0: other tools read it by these names."""


def test_the_names_in_a_record_stay(tmp_path: Path) -> None:
    store.write_run(tmp_path, RECORD)
    data = json.loads((tmp_path / store.RUN).read_bytes())
    assert {name: list(data[name]) for name in KEYS} == {name: keys.split() for name, keys in KEYS.items()}
