"""Model text does nothing: no event of an audit hook, bounded time, and a verdict for anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.apibank import data, judge, judge_response
from harness.benchmarks.apibank.scenes import Stage
from harness.types import Verdict

pytestmark = pytest.mark.usefixtures("apibank_data")

PAYLOADS = [
    "__import__('os').system('touch PWNED')",
    "().__class__.__bases__[0].__subclasses__()",
    "{0.__class__.__init__.__globals__}",
    "%(x)s%n%s",
    "$(touch PWNED); `touch PWNED`",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "http://127.0.0.1:1/",
    "'; DROP TABLE Account; --",
    "\x00\x1b]0;title\x07<script>alert(1)</script>",
]
HOOKED = """
import json, sys
from harness.benchmarks.apibank import data, judge, judge_response
items = {level: data.items(level) for level in (1, 2, 3)}
exact, responses = data.exact_items(1), data.responses()
for level in (1, 2, 3):
    for item in items[level].values():
        judge(level, item.id, item.expected)
events = []
WATCHED = ("exec", "compile", "open", "os.", "subprocess.", "socket.", "import", "shutil.", "ctypes.", "urllib.")

def watch(event, arguments):
    if event.startswith(WATCHED):
        events.append((event, str(arguments)[:200]))

sys.addaudithook(watch)
payloads = json.load(sys.stdin)
for level in (1, 2, 3):
    for item in items[level].values():
        for payload in payloads:
            names = list(item.truth["input"] or {})
            for quote in ("'", '"', ""):
                judge(level, item.id, f"[{item.api}({', '.join(f'{name}={quote}{payload}{quote}' for name in names)})]")
            judge(level, item.id, payload)
for name in list(exact)[:50]:
    for payload in payloads:
        judge(1, name, "<tool_call>" + json.dumps({"name": payload, "parameters": {"k": payload}}), "exact")
        judge(1, name, payload, "exact")
for name, item in list(responses.items())[:50]:
    for payload in payloads:
        judge_response(item.level, name, payload)
print(json.dumps(events))
"""


def test_ten_payloads_do_nothing_on_any_item(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", HOOKED],
        input=json.dumps(PAYLOADS),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert json.loads(done.stdout) == []
    assert list(tmp_path.iterdir()) == []


ODD: list[Any] = [
    None,
    True,
    5,
    -1.5,
    float("nan"),
    b"[A()]",
    [],
    ["[A()]"],
    {},
    {"pred": "x"},
    object(),
    "\ud800",
    "\x00",
]


@pytest.mark.parametrize("raw", ODD, ids=[str(number) for number in range(len(ODD))])
def test_odd_replies_get_a_verdict(raw: object) -> None:
    verdicts = [judge(level, next(iter(data.items(level))), raw) for level in (1, 2, 3)]
    verdicts += [judge(1, "Level1_0", raw, "exact"), judge_response(1, next(iter(data.responses())), raw)]
    verdicts.append(judge_response(3, "0", raw))
    assert all(verdict.outcome == "fail" for verdict in verdicts)


VALUES = st.one_of(
    st.sampled_from(["", " ", "²", "1.", ".5", "9" * 400, "True", "[]", "2023-02-30", "0000-00-00", "é", "'", "\\"]),
    st.text(max_size=12),
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_values_get_a_verdict(drawn: st.DataObject) -> None:
    level = drawn.draw(st.sampled_from([1, 2, 3]))
    item = drawn.draw(st.sampled_from(list(data.items(level).values())))
    names = drawn.draw(st.lists(st.sampled_from([*(item.truth["input"] or {}), "x", "self"]), max_size=8))
    quote = drawn.draw(st.sampled_from(["'", '"', "", "["]))
    parts = [f"{name}={quote}{drawn.draw(VALUES)}{quote}" for name in names]
    verdict = judge(level, item.id, f"[{item.api}({', '.join(parts)})]")
    assert isinstance(verdict, Verdict)
    assert (verdict.code is None) == (verdict.outcome == "pass")


@pytest.mark.parametrize("size", [10_000, 1_000_000])
@pytest.mark.parametrize("text", ["a", "1", "-", "[", "'", "=", " ", "k='v', ", "[a(", "(", "1+", "a.b@", "é²"])
def test_long_values_are_bounded(size: int, text: str) -> None:
    filler = text * (size // len(text))
    apis = ("Calculator", "SendEmail", "QueryStock", "AddReminder", "SearchEngine", "TimedSwitch", "BookHotel")
    began = time.process_time()
    for api in apis:
        item = next(item for item in data.items(1).values() if item.api == api)
        names = list(item.truth["input"])
        judge(1, item.id, f"[{api}({', '.join(f'{name}={filler!r}' for name in names)})]")
    Stage().judge(next(iter(data.items(3).values())), f"[ToolSearcher(keywords='{filler}')]", "QueryMeeting")
    judge(1, "Level1_0", f"<tool_call>{filler}", "exact")
    assert time.process_time() - began < 15 * max(size / 1_000_000, 0.1)
