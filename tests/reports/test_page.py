"""The report page: what is in it, that hostile text stays text in a real browser, and the local server."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import http.client
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
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
from tests.synthetic_runs import biased

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
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
        flags = (
            "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
            "--disable-component-update --disable-sync --virtual-time-budget=4000 --dump-dom"
        )
        command = [CHROMIUM, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}", f"{path.as_uri()}#{fragment}"]
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
