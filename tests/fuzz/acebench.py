"""Judge odd, hostile and huge ACEBench replies, and carry hostile calls out: no crash, no hang, no code run.

python -m tests.fuzz.acebench --every 1

`--every 1` puts each odd value into each parameter of each normal item, some 266,000 replies under both rules.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.benchmarks.acebench import data, judge, judge_agent
from harness.benchmarks.acebench.agents.executor import World
from harness.benchmarks.acebench.agents.loop import Dialogue
from harness.benchmarks.acebench.calls import expected_calls
from harness.benchmarks.acebench.rules import STRICT
from tests.fuzz.bfcl import FORBIDDEN, LIMIT, MEGABYTE, heavy

ODD = """None|True|False|1|-1|0|1.5|-0.0|1e400|10**400|1j|'x'|''|'true'|'false'|'None'|' '|'\\x00'|'\\ud800'|b'x'|...
nan|inf|null|true|x|x.y|x[0]|x[1:2]|[]|['x']|[1]|[[1]]|[None]|[[]]|[{}]|[{'a': 1}]|[{'a': {'b': {'c': [1]}}}]|{}
{'a': 1}|{'a': None}|{1: 2}|{None: 1}|{(1, 2): 3}|{'k': f(x=1)}|{**{'a': 1}}|{1, 2}|()|(1, 2)|f()|f(x=1)|g.h(a=[1])|-x
+1|~1|not True|-'a'|-[1]|+-2|'a' 'b'|'a'*3|'a'+'b'|[1]+[2]|20-30|1/0|f'{1}'|lambda: 1|[i for i in [1]]|1 if 1 else 2
1 < 2|True and False|*[1]|[*[1]]|await x|(yield)|(x := 1)|1_000|0x10|007|'a\\nb'|"it's"|r'\\d'|9**9**9|[true, false]"""
"""Odd expressions as values."""

CANARY = Path("/tmp/acebench-canary")
PAYLOADS = (
    f"open('{CANARY}', 'w').write('x')",
    f"__import__('os').system('touch {CANARY}')",
    f"'a' + str(__import__('pathlib').Path('{CANARY}').touch())",
    "exit() + 1",
    "().__class__.__base__.__subclasses__()",
    f"[c for c in [open('{CANARY}', 'w')]]",
    f"(lambda: open('{CANARY}', 'w'))()",
    f"eval(\"open('{CANARY}', 'w')\") + 'a'",
    f'f\'{{open("{CANARY}", "w")}}\'',
    "__import__('harness.benchmarks.acebench.judging', fromlist=['x']).__dict__.update(judge=None) or 1",
    f"{{open('{CANARY}', 'w'): 1}}",
    f"open(file='{CANARY}', mode='w')",
    "9**9**9**9",
    "'x' * 10**12",
    "globals()['judge']",
)
"""Replies that do harm wherever they are run."""


def written(language: str, name: str, odd: dict[str, str]) -> str:
    """The ground truth of an item with one argument replaced."""
    truth, docs = data.answer(language, name)["ground_truth"], data.question(language, name)["function"]
    calls = []
    for call in expected_calls(truth[0] if isinstance(truth, list) else truth, docs, STRICT):
        words = [f"{key}={odd.get(key, repr(value))}" for key, value in call.arguments.items()]
        calls.append(f"{call.name}({', '.join(words)})")
    return f"[{', '.join(calls)}]"


def items() -> Iterator[tuple[str, str, list[str]]]:
    """Language, id and parameters of every normal item."""
    for language in data.LANGUAGES:
        for category in data.NORMAL:
            for name, record in data.answers(language, category).items():
                truth = record["ground_truth"]
                truth = truth[0] if isinstance(truth, list) else truth
                yield language, name, list(dict.fromkeys(key for call in truth.values() for key in call))


def replies(every: int) -> Iterator[tuple[str, str, Any]]:
    """Language, id and reply."""
    known = list(items())
    number = 0
    values = [value for line in ODD.split("\n") for value in line.split("|")]
    for language, name, parameters in known:
        for parameter in parameters:
            for value in values:
                number += 1
                if number % every == 0:
                    yield language, name, written(language, name, {parameter: value})
    for language, name, parameters in known[:: max(every, 20)]:
        for payload in PAYLOADS:
            yield language, name, written(language, name, {parameters[0]: payload})
            yield language, name, f"[{payload}]"
            yield language, name, payload
    specials = [f"{category}_0" for category in data.SPECIAL]
    for text in heavy():
        for name in ("normal_atom_bool_0", "normal_multi_turn_user_adjust_0_0", *specials):
            yield "en", name, text
    for raw in (None, True, 7, 1.5, [], {}, [None], {"a": {}}, [["x"]], "x" * 10_000, "[" * 10_000, "[f(a=" * 10_000):
        for name in ("normal_atom_bool_0", "normal_multi_turn_user_adjust_0_0", *specials):
            yield "zh", name, raw


def worlds() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Language, question and initial states of agents' items; none without the shared copies."""
    file = Path(os.environ.get("SHARED_DATA", "../shared/data")) / "acebench" / "environment_state.json.gz"
    if file.exists():
        for language, states in json.loads(gzip.decompress(file.read_bytes())).items():
            for name in ("agent_multi_step_0", "agent_multi_turn_20"):
                yield language, data.question(language, name), states


def messages() -> Iterator[str]:
    """What a hostile agent says."""
    for payload in PAYLOADS:
        yield f"[login_device(a={payload})]"
        yield f"[get_user_details(user_id={payload}, password='x')]"
        yield f"[login_device(a={{\"open(file='{CANARY}', mode='w')\": {{'b': 1}}}})]"
        yield f"[login_device(a={{'open': {{'file': '{CANARY}', 'mode': 'w'}}}})]"
        yield f"[{payload}]"
        yield f"[{payload}, login_device()]"
    yield from (
        "[_load_scenario(scenario={'a': {}})]",
        "[__init__()]",
        "[a.login_device()]",
        "[f(1)(a='login_device()')]",
    )
    yield from ("[execute()]", "[self.login_device()]", "[update_balance(user={'a': {}}, payment_method=1, amount=1)]")
    yield from heavy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="judge every n-th odd value only")
    options = parser.parse_args()
    CANARY.unlink(missing_ok=True)
    for language in data.LANGUAGES:
        for category in data.CATEGORIES:
            data.answers(language, category)
        for category in (*data.NORMAL, *data.SPECIAL):
            for rules in ("upstream", "strict"):
                judge(language, next(iter(data.questions(language, category))), "[f(é='\\N{DASH}')]", rules)
    known_worlds = list(worlds())
    judge_agent("en", "agent_multi_step_0", [], [])
    judging, slowest = False, (0.0, "")
    outcomes: Counter[str] = Counter()

    def refuse(event: str, arguments: Any) -> None:
        if judging and event.startswith(FORBIDDEN):
            raise AssertionError(f"{event} {arguments}")

    sys.addaudithook(refuse)
    count = 0
    for language, name, raw in replies(options.every):
        start, judging = time.process_time(), True
        verdicts = [judge(language, name, raw, rules) for rules in ("upstream", "strict")]
        judging, seconds = False, (time.process_time() - start) / 2
        slowest = max(slowest, (seconds, f"{language} {name} {raw!r:.80}"))
        count += 1
        assert seconds < LIMIT, slowest
        for verdict in verdicts:
            assert (verdict.code is None) == (verdict.outcome == "pass"), (name, raw, verdict)
            if count % 100 == 0 or seconds > 0.01:
                assert len(json.dumps([verdict.message, verdict.evidence], allow_nan=False)) < MEGABYTE
        outcomes[verdicts[0].code or "pass"] += 1
    said = 0
    for language, question, states in known_worlds:
        for abort in (True, False):
            for message in messages():
                said += 1
                start, judging = time.process_time(), True
                dialogue = Dialogue(World.of(question, language, states, lambda name, *values: name), "again")
                play = dialogue.turns() if abort else dialogue.steps("do it")
                asked = next(play)
                for answer in (["hello"] if abort else []) + [message, "[login_device()]", "wait finish conversation"]:
                    try:
                        asked = play.send(answer)
                    except StopIteration:
                        break
                verdict = judge_agent(language, question["id"], dialogue.world.result(), dialogue.process)
                judging, seconds = False, time.process_time() - start
                assert asked.speaker in ("agent", "user")
                assert verdict.outcome == "fail", message[:80]
                slowest = max(slowest, (seconds, f"{language} {question['id']} {message!r:.80}"))
                assert seconds < LIMIT, slowest
    assert not CANARY.exists(), "something was run"
    print(f"{count} replies and {said} dialogues, slowest {slowest[0]:.2f} CPU s ({slowest[1]})")
    for code, n in outcomes.most_common():
        print(f"{n:8}  {code}")


if __name__ == "__main__":
    main()
