"""The picture of a training shows what its log says."""

from __future__ import annotations

import json
import threading
from urllib.request import urlopen
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reports import beside, catalogue
from harness.reports.page_server import PageServer
from harness.reports.site import Site
from tests import synthetic_runs
from tests.reports.test_site import indexed
from tests.synthetic_runs import biased
from tests.trainer.worlds import config, rows, write
from trainer import picture
from trainer.run import train

SVG = "{http://www.w3.org/2000/svg}"


def test_a_training_leaves_a_picture_that_the_view_links(tmp_path):
    held_out = str(write(tmp_path / "held_out.jsonl", rows(5, seed=2)))
    folder = train(config(tmp_path, loss="ssb", eval_data=held_out, eval_every=3))
    root = ElementTree.fromstring((folder / picture.NAME).read_text())
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    last = json.loads((folder / "log.jsonl").read_text().splitlines()[-2])
    for name in ("loss", "loss_think", "loss_result", "alpha"):
        assert f"{name} {last[name]:.4g}" in texts
    assert any(text.startswith("eval_loss ") for text in texts)
    assert not list(root.iter(f"{SVG}script"))
    (found,) = beside.look([folder])
    assert (found.kind, found.path.name) == ("training", picture.NAME)
    synthetic_runs.write(tmp_path / "results" / "1", "tuned", {"multiple": 4}, biased(1, 0.5))
    with PageServer(Site(catalogue.read([tmp_path / "results"])).answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urlopen(server.url) as index:
            (link,) = indexed(index.read().decode())["beside"]
        with urlopen(server.url + link["href"]) as got:
            assert (link["kind"], got.status, got.headers["Content-Type"]) == ("training", 200, "image/svg+xml")
            assert got.read() == (folder / picture.NAME).read_bytes()
        server.shutdown()


def test_a_line_goes_through_its_values():
    log = [{"step": step, "loss": float(step), "alpha": 0.5} for step in (1, 2, 3)]
    root = ElementTree.fromstring(picture.draw(picture.series(log), "x"))
    line = next(each for each in root.iter(f"{SVG}polyline"))
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    (x1, y1), (x2, y2), (x3, y3) = points
    assert x1 < x2
    assert y1 > y2
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y2 - y1 == pytest.approx(y3 - y2, abs=0.2)


def test_what_cannot_be_drawn_is_left_out(tmp_path):
    log = [{"step": 1, "loss": float("nan"), "other": 3.0}, {"step": 2, "eval/a": 0.5, "eval/a/n": 20}]
    assert picture.series(log) == {"score": {"eval/a": [(2, 0.5)]}}
    assert not picture.write(tmp_path, "log.jsonl")
    (tmp_path / "log.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert picture.write(tmp_path, "log.jsonl")


def test_long_lines_are_averaged_and_names_are_escaped():
    log = [{"step": step, "eval/<b>": step % 2} for step in range(1, 5001)]
    lines = picture.series(log)["score"]["eval/<b>"]
    assert len(lines) <= picture.POINTS
    assert {round(value, 1) for _, value in lines} <= {0.4, 0.5, 0.6}
    assert lines[-1][0] == 5000
    assert "<b>" not in picture.draw({"score": {"eval/<b>": lines}}, "<b>")


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_hold_the_range(low, spread):
    found = picture.ticks(low, low + spread)
    assert 2 <= len(found) <= 9
    slack = 1e-9 * max(abs(low), spread)
    assert found[0] <= low + slack
    assert found[-1] >= low + spread - slack
    assert found == sorted(set(found))
