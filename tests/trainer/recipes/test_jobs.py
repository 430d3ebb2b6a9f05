"""Driving programs that need one another's files."""

from __future__ import annotations

import sys

import pytest

from harness.errors import RunIncomplete
from trainer.recipes import jobs
from trainer.recipes.jobs import Job


def noted(folder, name, needs=(), text="", code=0):
    script = (
        f"import sys; open({str(folder / 'order')!r}, 'a').write({name + chr(10)!r}); print({text!r}); sys.exit({code})"
    )
    return Job(name, (sys.executable, "-c", script), needs)


def drive(todo, folder, slots=2):
    lines = []
    with jobs.locked(folder, lines.append) as lock:
        jobs.run(todo, folder, lock, slots, lines.append)
    return lines


def test_jobs_run_after_what_they_need_and_once(tmp_path):
    todo = [
        noted(tmp_path, "last", ("first", "second")),
        noted(tmp_path, "second", ("first",)),
        noted(tmp_path, "first"),
    ]
    lines = drive(todo, tmp_path)
    assert (tmp_path / "order").read_text().split() == ["first", "second", "last"]
    assert lines[-1].startswith("[3/3]")
    assert drive(todo, tmp_path) == ["3 of 3 steps were finished before"]
    assert len((tmp_path / "order").read_text().split()) == 3
    assert jobs.mark(tmp_path, "first")["cpu_seconds"] > 0


def test_a_failed_job_is_named_with_its_log_and_tried_again(tmp_path):
    bad = [
        noted(tmp_path, "good"),
        noted(tmp_path, "bad", ("good",), "the reason", 7),
        noted(tmp_path, "after", ("bad",)),
        noted(tmp_path, "other", ("good",)),
    ]
    with pytest.raises(RunIncomplete, match=r"bad ended with exit code 7(?s:.*)the reason"):
        drive(bad, tmp_path, slots=1)
    assert (tmp_path / "order").read_text().split() == ["good", "bad", "other"]
    drive([bad[0], noted(tmp_path, "bad", ("good",)), *bad[2:]], tmp_path, slots=1)
    assert (tmp_path / "order").read_text().split() == ["good", "bad", "other", "bad", "after"]
