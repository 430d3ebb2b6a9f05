"""The report page: what is in it, that hostile text stays text in a real browser, and the local server."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import http.client
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.errors import UsageProblem
from harness.reports import overview, page
from harness.reports.page_server import PageServer
from harness.results import store
from harness.types import Score, UsageInfo, Verdict
from tests import synthetic_runs
from tests.browser import CHROMIUM, FLAGS, Browser, browser
from tests.synthetic_runs import biased

HOSTILE = (
    "</script><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
    "\x1b[31mred\x07 \u202ereversed\u202c \ud800 &lt; ]]> --> {{ 7 * 7 }}"
)


class Scripts(HTMLParser):
    """Elements of a page as a browser's tokenizer finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: dict[str, str] = {}
        self._open: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "script":
            self._open = dict(attrs).get("id") or "code"
            self.scripts[self._open] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open:
            self.scripts[self._open] += data


def parsed(html: str) -> tuple[Scripts, dict[str, Any], list[dict[str, Any]]]:
    found = Scripts()
    found.feed(html)
    index = json.loads(found.scripts["index"])
    names = sorted((name for name in found.scripts if name.startswith("chunk-")), key=lambda name: int(name[6:]))
    return found, index, [json.loads(gzip.decompress(base64.b64decode(found.scripts[name]))) for name in names]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    return synthetic_runs.write(tmp_path, f"model {HOSTILE}", {"simple_python": 130}, biased(1, 0.6), HOSTILE)


def test_index_rows_and_samples_belong_together(tmp_path: Path) -> None:
    folder = synthetic_runs.write(tmp_path, "m", {"simple_python": 130, "multiple": 90}, biased(1, 0.6))
    _, index, chunks = parsed(page.page([folder]))
    assert len(index["rows"]) == 220
    assert [len(chunk["samples"]) for chunk in chunks] == [100, 100, 20]
    for row in index["rows"]:
        (sample,) = chunks[row[0] // index["chunk"]]["samples"][row[0] % index["chunk"]]
        assert sample["verdicts"][row[3]]["outcome"] == row[4][0]
    (run,) = index["runs"]
    assert {category["name"]: category["n"] for category in run["categories"]} == {"simple_python": 130, "multiple": 90}
    assert dict(run["codes"])["value_error:others"] == sum(row[4] == ["fail"] for row in index["rows"])


def test_two_runs_pair_by_item(tmp_path: Path) -> None:
    folders = [synthetic_runs.write(tmp_path, "m", {"multiple": 80 + i}, biased(i, 0.5 + i / 5)) for i in (0, 1)]
    _, index, chunks = parsed(page.page(folders))
    assert len(index["rows"]) == 81
    assert index["rows"][-1][4][0] is None
    assert chunks[0]["samples"][80][0] is None
    total = index["comparison"]["rows"][0]
    assert total["pairs"] == 80
    assert total["only_b"] == sum(row[4] == ["fail", "pass"] for row in index["rows"])


def test_a_program_that_counts_in_two_categories_has_two_rows(tmp_path: Path) -> None:
    folder = synthetic_runs.write(tmp_path, "m", {"humaneval": 1})
    line = synthetic_runs.line("humaneval", 0, 0, "pass")
    both = synthetic_runs.replace(line, verdicts={"humaneval": Verdict("pass"), "humaneval_plus": Verdict("fail", "x")})
    (folder / "samples.jsonl").write_bytes(synthetic_runs.encode(both))
    _, index, _ = parsed(page.page([folder]))
    assert [(row[0], row[3], row[4]) for row in index["rows"]] == [
        (0, "humaneval", ["pass"]),
        (0, "humaneval_plus", ["fail"]),
    ]


def test_more_than_two_runs_are_refused(hostile: Path) -> None:
    with pytest.raises(UsageProblem, match="3 runs"):
        page.page([hostile] * 3)


def test_hostile_text_is_data(hostile: Path) -> None:
    html = page.page([hostile])
    found, _, chunks = parsed(html)
    assert found.tags.count("script") == 2 + len(chunks)
    assert "img" not in found.tags
    (sample,) = chunks[0]["samples"][0]
    assert sample["talk"][-1]["text"] == HOSTILE
    assert re.search(r"script-src 'sha256-[\w+/]+='", html)


def test_the_page_asks_for_nothing_from_outside(hostile: Path) -> None:
    found, _, _ = parsed(page.page([hostile]))
    assert "link" not in found.tags
    code = found.scripts["code"].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|\bfetch\b|XMLHttpRequest|innerHTML|insertAdjacentHTML|\beval\b", code)


def test_long_texts_are_cut_with_a_note_and_deep_evidence_is_bounded(tmp_path: Path) -> None:
    folder = synthetic_runs.write(tmp_path, "m", {"multiple": 3}, text="x" * 1_000_000)
    _, _, chunks = parsed(page.page([folder]))
    text = chunks[0]["samples"][0][0]["talk"][-1]["text"]
    assert text.endswith("[... 980000 more characters in samples.jsonl]")
    deep: Any = "end"
    for _ in range(200):
        deep = [deep]
    assert "end" not in json.dumps(page.cut({"a": deep}, 100))


def test_numbers_that_javascript_changes_stay_as_they_are() -> None:
    given = {"a": [6.0, 6, 6.5, True, None, 10**30, -(2**53) - 1, 2**53], "#": {"b": 1.0}}
    long = {"#": "1000000000000000000000000000000"}
    assert page.exact(given) == {
        "a": [{"#": "6.0"}, 6, 6.5, True, None, long, {"#": "-9007199254740993"}, 2**53],
        "# ": {"b": {"#": "1.0"}},
    }


def test_deeply_nested_evidence_does_not_cost_the_page(tmp_path: Path) -> None:
    deep: Any = 1.0
    for _ in range(400):
        deep = [deep]
    folder = synthetic_runs.write(tmp_path, "m", {"multiple": 1})
    line = synthetic_runs.line(
        "multiple", 0, 0, "fail", verdicts={"multiple": Verdict("fail", "x", "", {"calls": deep})}
    )
    (folder / "samples.jsonl").write_bytes(synthetic_runs.encode(line))
    _, index, _ = parsed(page.page([folder]))
    assert len(index["rows"]) == 1


def test_numbers_are_shown_exactly_in_a_browser(browse: Callable[[str, str], str], tmp_path: Path) -> None:
    folder = synthetic_runs.write(tmp_path, "m", {"multiple": 1})
    evidence = {"calls": [{"f": {"a": 6.0, "b": 10**30}}], "expected": [{"f": {"a": [6], "b": [1]}}], "argument": "b"}
    line = synthetic_runs.line("multiple", 0, 0, "fail", verdicts={"multiple": Verdict("fail", "x", "", evidence)})
    (folder / "samples.jsonl").write_bytes(synthetic_runs.encode(line))
    dom = browse(page.page([folder]), "/sample/multiple_0/0/multiple")
    assert re.search(r"<code[^>]*>6\.0</code>", dom)
    assert f">{10**30}</code>" in dom
    assert dom.count("✗ ") >= 2


def test_empty_and_broken_runs_have_a_page(tmp_path: Path) -> None:
    folder = synthetic_runs.write(tmp_path, "m", {"multiple": 0})
    _, index, chunks = parsed(page.page([folder]))
    assert (index["rows"], chunks) == ([], [])
    folder = synthetic_runs.write(tmp_path, "m2", {"multiple": 2}, lambda c, i, r: "unscored")
    with (folder / "samples.jsonl").open("ab") as file:
        file.write(b'{"id": "cut off')
    _, index, _ = parsed(page.page([folder]))
    assert [row[4] for row in index["rows"]] == [["unscored"]] * 2


def test_histogram_counts_everything() -> None:
    found = overview.histogram([1, 2, 3, 1000])
    assert found is not None
    assert sum(found["counts"]) == found["n"] == 4
    assert (found["median"], found["max"]) == (2.5, 1000)
    assert overview.histogram([]) is None
    assert overview.histogram([0, 0]) is None


def test_cards_are_averages_of_which_a_part_was_run() -> None:
    scores = {"multiple": Score(200, 200, 100, 0)}
    titles = [(card["title"], card["value"]) for card in overview.aggregates(synthetic_runs.record(scores=scores))]
    assert titles == [("Overall", None), ("Non-Live AST", None), ("Overall", None)]


def test_bundle_writes_one_file(hostile: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    result = CliRunner().invoke(cli, ["view", "bundle", str(hostile), "-o", str(path)])
    assert result.exit_code == 0, result.output
    assert path.read_text().startswith("<!doctype html>")
    assert isinstance(CliRunner().invoke(cli, ["view", "bundle"]).exception, UsageProblem)


def test_server_answers_this_machine_only() -> None:
    with PageServer({"/": b"<p>page"}.get) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def get(path: str, host: str) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
            connection.request("GET", path, headers={"Host": host})
            response = connection.getresponse()
            found = response.status, response.read()
            connection.close()
            return found

        own = f"127.0.0.1:{server.server_port}"
        assert server.server_address[0] == "127.0.0.1"
        assert get("/", own) == (200, b"<p>page")
        assert get("/etc/passwd", own) == (404, b"")
        assert get("/", "attacker.example") == (403, b"")
        server.shutdown()


@pytest.fixture
def browse(tmp_path: Path) -> Callable[[str, str], str]:
    """The page's elements after its script ran, as a headless browser gives them."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")

    def dump(html: str, fragment: str) -> str:
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        command = [
            CHROMIUM,
            *FLAGS,
            "--virtual-time-budget=4000",
            "--dump-dom",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"{path.as_uri()}#{fragment}",
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    return dump


@pytest.mark.parametrize("fragment", ["/", "/samples?outcome=fail", "/sample/simple_python_0/0/simple_python"])
def test_hostile_text_stays_text_in_a_browser(browse: Callable[[str, str], str], hostile: Path, fragment: str) -> None:
    dom = browse(page.page([hostile]), fragment)
    seen = Scripts()
    seen.feed(dom)
    body = dom[dom.index("<main") : dom.index("</main>")]
    assert re.findall(r"<title>(.*?)</title>", dom)[0].startswith("model ")
    assert "img" not in seen.tags
    assert "<script" not in body
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\ud800]", body)
    if "sample/" in fragment:
        assert "\\u001b[31mred\\u0007 \\u202ereversed" in body
        assert "This report needs JavaScript" not in body


def test_the_page_says_what_the_run_cost(browse: Callable[[str, str], str], tmp_path: Path) -> None:
    priced, unknown = (synthetic_runs.write(tmp_path / name, "m", {"multiple": 20}) for name in ("priced", "unknown"))
    costs = UsageInfo(usd=1.5, gpu_hours=0.25, tokens_per_second=210.04)
    store.write_run(priced, dataclasses.replace(store.read_run(priced), usage=costs))
    dom = browse(page.page([priced, unknown]), "/")
    found = dict(re.findall(r"<dt>([^<]+)</dt>((?:<dd>[^<]+</dd>)+)", dom))
    assert found["USD"] == "<dd>1.50</dd><dd>N/A</dd>"
    assert found["GPU-hours"] == "<dd>0.250</dd><dd>N/A</dd>"
    assert found["tokens a second"] == "<dd>210.0</dd><dd>N/A</dd>"
    assert found["from the prefix cache"] == "<dd>N/A</dd><dd>N/A</dd>"
    assert found["latency, 50 / 95 / 99 %"] == "<dd>0.50 / 0.50 / 0.50 s</dd>" * 2


def test_views_show_what_they_should_in_a_browser(browse: Callable[[str, str], str], tmp_path: Path) -> None:
    folders = [synthetic_runs.write(tmp_path / str(i), "m", {"multiple": 60}, biased(i, 0.4 + i / 3)) for i in (0, 1)]
    html = page.page(folders)
    assert "B is better" in browse(html, "/")
    listed = browse(html, "/samples?flip=gained")
    gained = parsed(html)[1]["comparison"]["rows"][0]["only_b"]
    assert f"{gained} of 60" in listed
    assert "▲ gained" in listed
    assert "There is no such sample" in browse(html, "/sample/nothing/0/multiple")


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it: 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


TEMPLATES = Path(page.__file__).parent / "templates"
THEME = (TEMPLATES / "theme.css").read_text()
REPORT = (TEMPLATES / "report" / "report.css").read_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_what_it_stands_on(theme: str) -> None:
    lines = [line for line in REPORT.splitlines() if "--a:" in line]
    mark = next(line for line in lines if ("dark" in line) == (theme == "dark"))
    found = colours(THEME.split("@media")[theme == "dark"]) | colours(mark)
    assert found.items() >= colours(REPORT.split(f':root[data-theme="{theme}"]')[1].split("}")[0]).items()
    badges = [(name, f"{name}-soft") for name in ("good", "bad", "none")]
    marks = [("paper", "a"), ("paper", "accent")]
    words = [(name, on) for name in ("ink", "muted", "accent", "good", "bad") for on in ("paper", "panel")]
    for text, ground in [*badges, *marks, *words]:
        assert contrast(found[text], found[ground]) >= 4.5, (text, ground)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def pair(tmp_path: Path) -> str:
    """Address of a page about two runs, with a large category and one of a single item."""
    sizes = {"multiple": 60, "live_multiple": 1053, "live_relevance": 1}
    folders = [synthetic_runs.write(tmp_path / str(i), f"m{i}", sizes, biased(i, 0.4 + i / 3)) for i in (0, 1)]
    path = tmp_path / "pair.html"
    path.write_text(page.page(folders), encoding="utf-8")
    return path.as_uri()


def test_a_keyboard_walks_through_the_whole_report(tab: Browser, pair: str) -> None:
    tab.open(pair)
    for _ in range(60):
        tab.key("Tab")
        if tab.run("document.activeElement.closest('.plot') !== null"):
            break
    assert tab.run("document.activeElement.getAttribute('aria-label')").startswith("multiple: A ")
    tab.key("Enter")
    tab.wait("main.className === 'samples'")
    assert tab.run("document.querySelector('.result-count').textContent") == "60 of 1,114"
    tab.key("j")
    tab.key("Enter")
    tab.wait("main.className === 'sample'")
    title = tab.run("document.querySelector('.sample-title').textContent")
    tab.key("k")
    tab.wait(f"document.querySelector('.sample-title').textContent !== {json.dumps(title)}")
    tab.key("Escape")
    tab.wait("main.className === 'samples'")
    tab.key("?", shift=True)
    tab.wait("document.getElementById('help').open")
    assert tab.run("document.activeElement.closest('dialog') !== null")
    tab.key("Escape")
    tab.wait("!document.getElementById('help').open")
    assert tab.complaints == []


def test_a_screen_reader_finds_every_link(tab: Browser, pair: str) -> None:
    for fragment in ("#/", "#/samples"):
        tab.open(pair + fragment)
        tree = tab.send("Accessibility.getFullAXTree")["nodes"]
        links = [node for node in tree if node.get("role", {}).get("value") == "link" and not node.get("ignored")]
        names = [node["name"]["value"] for node in links]
        assert len(names) == tab.run("document.querySelectorAll('a[href]').length")
        assert all(names)
    tab.open(pair)
    assert any(re.match(r"live multiple: A \d+\.\d % \[.*n=1,053; B ", name) for name in _links(tab))


def _links(tab: Browser) -> list[str]:
    tree = tab.send("Accessibility.getFullAXTree")["nodes"]
    return [node["name"]["value"] for node in tree if node.get("role", {}).get("value") == "link"]


def test_a_phone_shows_every_number_whole(tab: Browser, pair: str) -> None:
    tab.open(pair, 390, 844)
    assert tab.run("document.documentElement.scrollWidth") <= 390
    outside = """[...main.querySelectorAll('td, th, .card *, .plot text')].filter((cell) => {
        const box = cell.getBoundingClientRect();
        return box.width > 2 && (box.right > 391 || box.left < -1); }).map((cell) => cell.textContent)"""
    assert tab.run(outside) == []
    broken = """[...main.querySelectorAll('.card b, .card small span, .fold td')].filter((cell) => {
        const words = document.createRange(); words.selectNodeContents(cell);
        return new Set([...words.getClientRects()].map((box) => Math.round(box.top))).size > 1;
    }).map((cell) => cell.textContent)"""
    assert tab.run(broken) == []
    labels = tab.run(
        "[...document.querySelectorAll('.fold tbody tr:first-child td')].map((cell) => cell.dataset.label)"
    )
    assert labels == ["pairs", "A", "B", "B−A", "interval", "lost", "gained", "q"]


def test_an_interval_of_one_item_comes_with_a_caution(tab: Browser, pair: str) -> None:
    tab.open(pair)
    assert "Caution: fewer than 10 items in live_relevance (1)" in tab.run(
        "document.querySelector('.notice').textContent"
    )
