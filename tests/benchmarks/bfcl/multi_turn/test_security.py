"""Nothing a model writes runs, hangs, grows without end, or changes another item's verdict."""

import builtins
import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.bfcl import data, judge
from harness.benchmarks.bfcl.multi_turn.world import MAX_RESULT, World

pytestmark = pytest.mark.usefixtures("bfcl_data")

CASES = json.loads((Path(__file__).parents[3] / "cases" / "hostile_calls.json").read_text())
CLASSES = ["GorillaFileSystem", "MathAPI", "TwitterAPI", "TicketAPI"]
TREE = {"root": {"home": {"type": "directory", "contents": {"a": {"type": "file", "content": "text"}}}}}
TWEETS = {"authenticated": True, "username": "john"}

PARSER_BOMBS = {
    "brackets": "(" * 100_000,
    "lists": "[" * 100_000 + "]" * 100_000,
    "signs": "-" * 200_000 + "1",
    "attributes": "a" + ".a" * 100_000,
    "sums": "1" + "+1" * 100_000,
    "calls": "ls(" * 50_000 + ")" * 50_000,
    "maps": "{1:" * 50_000 + "1" + "}" * 50_000,
    "digits": "add(a=" + "9" * 5_000 + ", b=1)",
    "length": f"touch(file_name='{'x' * 10_000_000}')",
    "blanks": "ls" + " " * 200_000 + "()",
    "words": "a " * 100_000,
}


FORBIDDEN = ("exec", "import", "open", "os.", "subprocess.", "socket.", "ctypes.", "shutil.", "pickle.")
"""Audit events that a call never causes once the environments are loaded."""

watched: list[list[str]] = []
"""What the audit hook adds events to; empty while nobody watches. A hook cannot be taken out again."""


def watch(event, arguments):
    if watched and event.startswith(FORBIDDEN):
        watched[-1].append(event)


sys.addaudithook(watch)


@pytest.fixture
def events():
    """Forbidden audit events of a test."""
    watched.append([])
    open(os.devnull).close()
    assert watched[-1] == ["open"]
    yield watched[-1]
    watched.pop()


@pytest.fixture
def world(bfcl_data):
    configs = {"GorillaFileSystem": TREE, "TwitterAPI": TWEETS}
    return World.of({"id": "multi_turn_base_0", "involved_classes": CLASSES, "initial_config": configs})


def timed(world, call, seconds=2.0):
    started = time.thread_time()
    result = world.execute(call)
    assert time.thread_time() - started < seconds, call[:100]
    assert len(result) <= MAX_RESULT + 100
    return result


@pytest.mark.parametrize("call", CASES["code"])
def test_code_in_a_call_string_is_not_run(world, tmp_path, events, call):
    marker, before = tmp_path / "marker", dict(vars(builtins))
    events.clear()
    result = timed(world, call.replace("{marker}", str(marker)))
    assert result.startswith("Error during execution: ") or call == "ls(a='\ud800')"
    assert events == []
    assert not marker.exists()
    assert dict(vars(builtins)) == before
    assert world.execute("ls()") == '{"current_directory_content": ["a"]}'


@pytest.mark.parametrize("call", [*CASES["costly"], *PARSER_BOMBS.values()], ids=lambda call: call[:40])
def test_a_costly_call_is_an_error_or_quick(world, call):
    timed(world, call)
    assert world.execute("add(a=1, b=2)") == '{"result": 3}'


@pytest.mark.parametrize(
    "arguments",
    [
        {"folder='x'), __import__('os').system('touch {marker}'), dict(a": 1},
        {"folder=__import__('os').system('touch {marker}'), a": 1},
        {"folder": 1, "a=open('{marker}', 'w'), b": 2},
        {"**{'folder': open('{marker}', 'w')}, a": 1},
        {"folder if open('{marker}', 'w') else a": 1},
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_code_in_the_names_of_native_arguments_is_not_run(tmp_path, arguments, as_text):
    marker = tmp_path / "marker"
    named = {key.replace("{marker}", str(marker)): value for key, value in arguments.items()}
    raw = [[[{"cd": json.dumps(named) if as_text else named}]], [], [], []]
    assert judge("multi_turn_base_0", raw, mode="fc").outcome == "fail"
    assert not marker.exists()


@pytest.mark.parametrize(
    "name", ["open('{marker}', 'w') or cd", "__import__('os').system('touch {marker}') #", "cd, f"]
)
def test_code_in_the_name_of_a_native_call_is_not_run(tmp_path, name):
    marker = tmp_path / "marker"
    raw = [[[{name.replace("{marker}", str(marker)): {"a": 1}}]], [], [], []]
    assert judge("multi_turn_base_0", raw, mode="fc").outcome == "fail"
    assert not marker.exists()


@pytest.mark.parametrize("call", CASES["code"])
def test_code_in_a_prompted_reply_is_not_run(tmp_path, call):
    marker = tmp_path / "marker"
    text = call.replace("{marker}", str(marker))
    raw = [[f"[{text}]", text, f"[cd(folder={text})]", f"cd(folder=1 + {text})"], [], [], []]
    assert judge("multi_turn_base_0", raw).outcome == "fail"
    assert not marker.exists()


def test_folders_copied_into_each_other_do_not_explode(world):
    world.execute("mkdir(dir_name='d')")
    for _ in range(30):
        for call in ("cp(source='d', destination='e')", "mkdir(dir_name='n')"):
            timed(world, call)
        for call in ("mv(source='d', destination='n')", "mv(source='e', destination='n')"):
            timed(world, call)
        timed(world, "mv(source='n', destination='d')")
    for call in ("find(path='.')", "du()", "ls()", "find(path='.', name='zzz')"):
        timed(world, call)


def test_a_folder_in_itself_does_not_hang(world):
    for call in ("mkdir(dir_name='d')", "cp(source='d', destination='d')", "find(path='.')", "du()"):
        timed(world, call)


def test_tweets_that_mention_each_other_do_not_explode(world):
    for index in range(40):
        timed(world, f"post_tweet(content='x', mentions=[], tags=['{index}'])")
        timed(world, f"mention(tweet_id={index}, mentioned_usernames=get_user_tweets(username='john'))")
    for call in ("get_user_tweets(username='john')", "get_tweet(tweet_id=39)", "search_tweets(keyword='x')"):
        timed(world, call)


def test_memory_text_does_not_explode(bfcl_data):
    asked = {"id": "memory_rec_sum_0", "involved_classes": ["MemoryAPI_rec_sum"], "initial_config": {}}
    memory = World.of(asked)
    for _ in range(10):
        timed(memory, f"memory_append(text='{'a' * 5_000}')")
        timed(memory, f"memory_replace(old_text='a', new_text='{'a' * 9_000}')")
        timed(memory, f"memory_replace(old_text='', new_text='{'a' * 9_000}')")
    assert len(memory.instance("MemoryAPI_rec_sum").memory) <= 1_000_000


def test_a_hostile_item_leaves_the_others_as_they_are(tmp_path):
    items = [
        f"multi_turn_{kind}_{index}" for kind in ("base", "miss_func", "long_context") for index in (0, 60, 120, 190)
    ]
    threads, files, environment = threading.active_count(), set(os.listdir("/proc/self/fd")), dict(os.environ)
    for item in items:
        expected = data.answer(item)
        hostile = [[call.replace("{marker}", str(tmp_path / "m")) for call in [*CASES["code"], *CASES["costly"]]]]
        assert judge(item, [hostile for _ in expected], mode="decoded").outcome == "fail"
    for item in items:
        right = [[turn] if turn else [] for turn in data.answer(item)]
        assert judge(item, right, mode="decoded").outcome == "pass"
    assert threading.active_count() == threads
    assert set(os.listdir("/proc/self/fd")) == files
    assert dict(os.environ) == environment
    assert list(tmp_path.iterdir()) == []


names = st.sampled_from(["ls", "cd", "mention", "power", "core_memory_add", "math_gcd", "nope", "a.b", "(", ""])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
native_calls = st.lists(st.dictionaries(names, st.dictionaries(st.text(max_size=8), values, max_size=3) | st.text()))
written = st.builds("[{}({})]".format, names, st.lists(st.text(max_size=10), max_size=3).map(", ".join))
results = st.lists(st.lists(values | written | native_calls, max_size=3) | values, max_size=5) | values


@settings(max_examples=150, deadline=None)
@given(results, st.sampled_from(["prompt", "fc", "decoded"]))
def test_whatever_a_result_is_it_gets_a_verdict(raw, mode):
    for item in ("multi_turn_base_0", "multi_turn_base_90", "memory_kv_0-customer-0", "exec_parallel_0"):
        verdict = judge(item, raw, mode=mode)
        assert verdict.outcome in ("pass", "fail")
        assert (verdict.code is None) == (verdict.outcome == "pass")
        json.dumps(verdict.evidence)
