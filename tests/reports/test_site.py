"""Pages over many runs: what they say, what is served and written, and how they behave in a real browser."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.errors import UsageProblem
from harness.reports import catalogue
from harness.reports.page_server import PageServer
from harness.reports.site import Site
from harness.results import store
from harness.types import ModelInfo, Reading, Score, ShardsInfo
from tests import synthetic_runs
from tests.browser import CHROMIUM, Browser, browser
from tests.reports.test_page import HOSTILE, Scripts
from tests.synthetic_runs import BENCHMARK, biased

SIZES = {"multiple": 40, "simple_python": 60}
CODE = replace(BENCHMARK, name="programs")


def release(root: Path, number: int, name: str = "tuned-7b", **changes: Any) -> Path:
    """A release of a model, each a month and some points after the one before."""
    model = ModelInfo(name=name, sha256=f"{number:08x}" * 8)
    sizes = changes.pop("sizes", SIZES)
    folder = synthetic_runs.write(root / str(number), name, sizes, biased(number, 0.5 + number / 20), **changes)
    record = store.read_run(folder)
    store.write_run(folder, replace(record, model=model, started=f"2026-{number + 1:02d}-01T00:00:00Z"))
    return folder


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """Four releases, the last on new data, and a run of another benchmark."""
    root = tmp_path / "results"
    for number in range(3):
        release(root, number)
    release(root, 3, benchmark=replace(BENCHMARK, data_sha256="f" * 64))
    release(root, 4, "coder", sizes={"humaneval": 20}, benchmark=CODE)
    return root


def indexed(html: str) -> dict[str, Any]:
    found = Scripts()
    found.feed(html)
    data: dict[str, Any] = json.loads(found.scripts["index"])
    return data


def listed(root: Path) -> dict[str, Any]:
    return catalogue.as_json(catalogue.read([root]), None)


def test_scores_are_those_of_the_records_oldest_first(releases: Path) -> None:
    data = listed(releases)
    assert [run["started"][:7] for run in data["runs"]] == [f"2026-{month:02d}" for month in range(1, 6)]
    measure = data["measures"].index(["Category", "multiple"])
    for run, folder in zip(data["runs"][:4], range(4), strict=True):
        (record,) = (store.read_run(path) for path in store.find_runs(releases / str(folder)))
        (score,) = (score for score in run["scores"] if score[0] == measure)
        assert score[1] == record.scores["multiple"].passed / 40
        assert score[2] < score[1] < score[3]
        assert score[4:] == [40, 40]


def test_only_equal_measurements_share_a_line(releases: Path) -> None:
    same = [run["same"] for run in listed(releases)["runs"]]
    assert same == [0, 0, 0, 1, 2]
    known = catalogue.read([releases])
    assert [known.before(number) for number in range(5)] == [None, 0, 1, None, None]


def test_what_has_no_score_has_a_reason(releases: Path) -> None:
    lost = release(releases, 5, sizes={"multiple": 3})
    record = store.read_run(lost)
    store.write_run(lost, replace(record, scores={"multiple": Score(3, 0, 0, 3)}, status="incomplete"))
    data = listed(releases)
    (overall,) = (
        score
        for score in data["runs"][0]["scores"]
        if data["measures"][score[0]][1] == "Overall" and data["measures"][score[0]][0] == "BFCL v4"
    )
    assert overall[1].startswith("lacks ")
    assert [data["measures"].index(["Category", "multiple"]), "all 3 tried are unscored"] in data["runs"][5]["scores"]
    v4 = next(board for board in data["boards"] if board["name"] == "v4")
    assert ["coder", "ran only humaneval"] in v4["left"]
    assert any(why == "nothing could be judged: multiple (3 unscored)" for _, why in v4["left"])


def test_what_could_not_be_read_or_is_missing_stands_beside_the_score(releases: Path) -> None:
    folder = release(releases, 5)
    readings, shards = {"multiple": Reading(40, 30)}, ShardsInfo(("a", "b"), 2, 4)
    store.write_run(folder, replace(store.read_run(folder), readings=readings, shards=shards))
    data = listed(releases)
    why = "multiple: 30 of 40 replies that should be calls hold no readable call"
    assert [run["cautions"] for run in data["runs"]] == [[]] * 4 + [[], ["2 of 4 shards", why]]
    v4 = next(board for board in data["boards"] if board["name"] == "v4")
    (row,) = (row for row in v4["blocks"][0]["rows"] if row["runs"] == [5])
    assert (row["partial"], row["unread"]) == (["bfcl: 2 of 4 shards"], [why])


def test_damaged_runs_are_named_and_cost_no_page(releases: Path) -> None:
    (releases / "broken").mkdir()
    (releases / "broken" / "run.json").write_text("{")
    data = listed(releases)
    assert len(data["runs"]) == 5
    assert len(data["problems"]) == 1
    assert "run.json is damaged" in data["problems"][0]
    assert str(releases.parent) not in json.dumps(data)


def test_trainings_and_refinements_beside_are_linked_and_come_along(releases: Path, tmp_path: Path) -> None:
    for name, files in {
        "sft-1": ("log.jsonl", "losses.svg"),
        "refined": ("report.html", "stats.json"),
        "holiday": ("beach.png",),
        "essay": ("report.html",),
    }.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text(f"{name} {file}")
    beside = listed(releases)["beside"]
    assert [(one["kind"], one["title"]) for one in beside] == [("refinement", "refined"), ("training", "sft-1: losses")]
    site = tmp_path / "site"
    result = CliRunner().invoke(cli, ["view", str(releases), "-o", str(site)])
    assert result.exit_code == 0, result.output
    assert [(site / one["href"]).read_text() for one in beside] == ["refined report.html", "sft-1 losses.svg"]


def test_a_folder_holds_what_its_list_says(releases: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "run-77.html").write_text("of an earlier list")
    (site / "notes.txt").write_text("of somebody")
    result = CliRunner().invoke(cli, ["view", str(releases), "-o", str(site), "--pages", "7"])
    assert result.exit_code == 0, result.output
    pages = indexed((site / "index.html").read_text())["pages"]
    assert pages == [
        "run-4.html",
        "run-3.html",
        "run-2.html",
        "pair-1-2.html",
        "run-1.html",
        "pair-0-1.html",
        "run-0.html",
    ]
    assert {path.name for path in site.iterdir()} == {"index.html", "notes.txt", *pages}
    CliRunner().invoke(cli, ["view", str(releases), "-o", str(site)])
    assert len(indexed((site / "index.html").read_text())["pages"]) == 5 + 6


def test_one_run_stays_a_page_and_a_folder_of_it_is_made_where_one_is_asked_for(releases: Path, tmp_path: Path) -> None:
    page, site = tmp_path / "page.html", tmp_path / "site"
    assert CliRunner().invoke(cli, ["view", str(releases / "0"), "-o", str(page)]).exit_code == 0
    assert len(indexed(page.read_text())["rows"]) == 100
    assert CliRunner().invoke(cli, ["view", str(releases / "0"), "-o", f"{site}/"]).exit_code == 0
    assert len(indexed((site / "index.html").read_text())["runs"]) == 1
    found = CliRunner().invoke(cli, ["view", str(releases), "-o", str(tmp_path / "many.html")]).exception
    assert isinstance(found, UsageProblem)


def test_a_server_makes_the_pages_that_are_asked_for(releases: Path) -> None:
    site = Site(catalogue.read([releases]))
    pages = {name: site.answer(f"/{name}") for name in ("", "run-0.html", "pair-0-2.html", "pair-2-0.html")}
    assert all(page is not None for page in pages.values())
    assert [run["facts"]["started"][:7] for run in indexed(str(pages["pair-2-0.html"], "utf-8"))["runs"]] == [
        "2026-03",
        "2026-01",
    ]
    for name in ("run-5.html", "pair-0-5.html", "run-0.html/../x", "../run-0.html", "beside-0.html", "etc/passwd"):
        assert site.answer(f"/{name}") is None
    (run,) = store.find_runs(releases / "0")
    (run / "run.json").write_text("<script>")
    said = site.answer("/run-0.html")
    assert said is not None
    assert b"is damaged" in said
    assert str(releases).encode() not in said


def test_no_page_names_a_folder_of_this_machine(tmp_path: Path) -> None:
    secret = tmp_path / "of ann"
    for number in range(2):
        folder = release(tmp_path / "results", number)
        record = store.read_run(folder)
        model = replace(record.model, name=f"{secret}/base-7b", adapter=f"{secret}/{number}/adapter", path=str(secret))
        engine = replace(record.engine, tokenizer=f"{secret}/{number}/tokenizer")
        store.write_run(folder, replace(record, model=model, engine=engine))
        fault = f"cannot read '{secret}/{number}/x.json': no such file"
        line = synthetic_runs.line("multiple", 0, 0, "unscored", fault=fault)
        (folder / "samples.jsonl").write_bytes(synthetic_runs.encode(line))
    site = Site(catalogue.read([tmp_path / "results"]))
    for name in ("index.html", "run-0.html", "pair-0-1.html"):
        page = site.answer(name)
        assert page is not None
        html = page.decode()
        assert "base-7b" in html
        assert not re.search("of ann|pytest-of", html)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def written(root: Path, site: Path) -> str:
    Site(catalogue.read([root])).write(site, 50, print)
    return (site / "index.html").as_uri()


def test_two_runs_are_picked_by_keys_alone(tab: Browser, releases: Path, tmp_path: Path) -> None:
    tab.requested.clear()
    tab.open(written(releases, tmp_path / "site"))
    tab.key("/")
    assert tab.run("document.activeElement.id") == "search"
    for letter in "tuned":
        tab.key(letter)
    tab.wait("document.querySelector('.result-count').textContent === '4 of 5 runs'")
    assert tab.run("document.activeElement.id") == "search", "drawing anew keeps the focus"
    walk = []
    for _ in range(40):
        tab.key("Tab")
        walk.append(tab.run("document.activeElement.id || document.activeElement.textContent"))
        if walk[-1] in ("pick-2", "pick-1"):
            tab.key(" ")
        if walk[-1] == "side-by-side":
            break
    assert walk[:5] == ["choose-benchmark", "choose-handler", "choose-status", "choose-measure", "sort-model"]
    assert walk[-1] == "side-by-side"
    outline = tab.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "what has the focus can be seen"
    tab.key("Enter")
    tab.wait("document.querySelector('.pair') !== null")
    assert tab.run("location.pathname.split('/').pop()") == "pair-1-2.html"
    assert all(address.startswith(("file:", "about:")) for address in tab.requested)
    assert tab.complaints == []


def test_sorting_by_keys_keeps_the_focus_and_says_the_order(tab: Browser, releases: Path, tmp_path: Path) -> None:
    tab.open(written(releases, tmp_path / "site"))
    tab.run("document.getElementById('sort-started').focus()")
    for order, first in (("ascending", "2026-01-01"), ("descending", "2026-05-01")):
        tab.key("Enter")
        tab.wait(f"document.querySelector('[aria-sort={order}] #sort-started')")
        assert tab.run("document.activeElement.id") == "sort-started"
        assert tab.run("document.querySelector('tbody time').textContent") == first


def test_a_trend_joins_what_is_comparable_only(tab: Browser, releases: Path, tmp_path: Path) -> None:
    address = written(releases, tmp_path / "site")
    tab.open(f"{address}#/trends")
    drawn = tab.run("document.querySelector('.trend path').getAttribute('d')")
    assert drawn.count("L") == 2, "three releases on the same data; the fourth has other data"
    assert tab.run("document.querySelectorAll('.trend a').length") == 4
    said = tab.run("[...document.querySelectorAll('.trend a')].map((link) => link.getAttribute('aria-label'))")
    assert "other data, checker or rules: not joined" in said[3]
    assert re.search(r"2026-01-01: \d+\.\d\d % \[\d+\.\d–\d+\.\d\], n=\d+", said[0])
    assert "coder 2026-05-01: not run" in tab.run("document.getElementById('main').textContent")


@pytest.mark.parametrize("view", ["runs", "boards", "trends"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    tab: Browser, releases: Path, tmp_path: Path, view: str
) -> None:
    tab.open(f"{written(releases, tmp_path / 'site')}#/{view}", 390, 844)
    assert tab.run("document.documentElement.scrollWidth") <= 390
    cut = """[...main.querySelectorAll('td, th, text')].filter((cell) => {
        const box = cell.getBoundingClientRect();
        return box.width > 2 && (box.right > 391 || box.left < -1); }).length"""
    assert tab.run(cut) == 0


def test_hostile_names_stay_text(tab: Browser, tmp_path: Path) -> None:
    for number in range(3):
        release(tmp_path / "results", number, f"model {HOSTILE}")
    address = written(tmp_path / "results", tmp_path / "site")
    for view in ("runs", "boards", "trends"):
        tab.open(f"{address}#/{view}")
        assert tab.run("document.title") == "3 runs"
        assert tab.run("document.querySelectorAll('img, main script').length") == 0
        assert "</script><script>document.title='pwned'</script>" in tab.run("main.textContent")
    assert tab.complaints == []


def test_a_thousand_runs_open_in_two_seconds(tab: Browser, tmp_path: Path) -> None:
    sizes = synthetic_runs.ALL
    for number in range(1000):
        folder = tmp_path / "results" / f"{number:04d}"
        folder.mkdir(parents=True)
        scores = {name: Score(n, n, n * (500 + number) // 2000, 0) for name, n in sizes.items()}
        model = ModelInfo(name=f"model-{number % 20}", sha256=f"{number:08x}" * 8)
        started = f"2026-01-{1 + number // 50:02d}T{number % 24:02d}:00:00Z"
        store.write_run(folder, synthetic_runs.record(scores=scores, model=model, started=started, run_id=folder.name))
    page = tmp_path / "index.html"
    page.write_text(Site(catalogue.read([tmp_path / "results"])).index())
    seconds = min(tab.open(f"{page.as_uri()}#/{view}") for view in ("runs", "boards", "trends") for _ in range(2))
    assert tab.run("document.querySelector('.trend') !== null")
    assert seconds < 2


def test_the_server_serves_a_browser(tab: Browser, releases: Path) -> None:
    site = Site(catalogue.read([releases]))
    with PageServer(site.answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tab.requested.clear()
        tab.open(f"{server.url}#/runs?a=0&b=2")
        tab.run("document.getElementById('side-by-side').click()")
        tab.wait("document.querySelector('.pair') !== null")
        assert tab.run("document.querySelector('nav a').textContent") == "All runs"
        allowed = (server.url, "about:", "blob:", "data:")
        assert [address for address in tab.requested if not address.startswith(allowed)] == []
        server.shutdown()
