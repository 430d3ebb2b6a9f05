"""Judge random, mutated and hostile replies: no crash, no hang, no code run, a verdict for each.

python -m tests.fuzz.bfcl --n 200000 --seed 1
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator

from harness.benchmarks.bfcl import data, judge
from tests.fuzz.replies import Case, cases

FORBIDDEN = ("exec", "import", "open", "os.", "subprocess.", "socket.", "ctypes.", "shutil.", "pickle.", "marshal.")
"""Audit events that judging never causes once its modules are loaded."""

LIMIT = 3.0
"""CPU seconds for one reply; a processor whose other half is busy takes twice as long."""

MEGABYTE = 1_000_000


def heavy() -> Iterator[str]:
    """Replies of ten megabytes, or that cost a parser much."""
    yield "x" * 10 * MEGABYTE
    yield "[f(a='" + "x" * 10 * MEGABYTE + "')]"
    yield "[f(a='" + "é \\n" * 2 * MEGABYTE + "')]"
    yield "[f(a=" + "9" * 10 * MEGABYTE + ")]"
    yield "[f(" + "a=1," * 2 * MEGABYTE + ")]"
    yield "[f(a=" + "[" * 10 * MEGABYTE + ")]"
    yield "[f(a=" + "'x' " * 2 * MEGABYTE + ")]"
    yield "[" + " " * 10 * MEGABYTE + "]"
    yield "(" * 10 * MEGABYTE
    yield "\\" * 10 * MEGABYTE
    yield '"' * 10 * MEGABYTE
    yield "[f(a={" + "'k':" * 2 * MEGABYTE + "})]"
    yield "[f(a=" + "+1" * 45_000 + ")]"
    yield "[f(a=" + "f(" * 45_000 + ")]"
    yield "[f" + "(a=1)" * 19_000 + "]"
    yield "[f(a=" + "x." * 45_000 + "y)]"
    yield "[f(a=" + "!" * 90_000 + "x)]"
    yield "[f(a=" + "a?b:" * 20_000 + "c)]"
    yield "[f(a=new HashMap<>() {{" + 'put("",' * 12_000 + "}})]"
    yield "[f(a=[" + "[1]," * 20_000 + ")]"
    yield "[" + "{" * 10 * MEGABYTE + "}]"
    yield "[" + "{}, " * 2 * MEGABYTE
    yield "<functions>" + "<function>" * 90_000 + "</functions>"
    yield "\x00" * MEGABYTE


def everything(seed: int, n: int) -> Iterator[Case]:
    """Heavy replies to one item of each kind, then `n` drawn ones."""
    config = "tool_call_tag=False&func_doc_fmt=json&prompt_fmt=plaintext&style=classic"
    formats = [f"format_sensitivity_0:ret_fmt={name}&{config}:simple_python_1" for name in ("json", "verbose_xml")]
    for text in heavy():
        for sample_id in ("simple_python_0", "simple_java_0", "simple_javascript_0", "irrelevance_0", *formats):
            yield Case(sample_id, text, "prompt", False)
        yield Case("simple_python_0", [{"f": text}], "fc", False)
        yield Case("simple_java_0", [{"GeometryPresentation.createPresentation": {"controller": text}}], "fc", False)
        yield Case("simple_javascript_0", [{"validateUserInput": json.dumps({"inputField": text})}], "fc", False)
    yield from cases(seed, n)


def main(arguments: list[str] | None = None) -> None:
    """Run the fuzz; ends with an error at the first reply that breaks a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    _load_everything()
    judging, slowest, outcomes = False, (0.0, ""), Counter[str]()

    def refuse(event: str, details: tuple[object, ...]) -> None:
        if judging and event.startswith(FORBIDDEN):
            raise AssertionError(f"judging caused {event} {details!r:.200}")

    sys.addaudithook(refuse)
    for number, case in enumerate(everything(options.seed, options.n)):
        start = time.process_time()
        judging = True
        verdicts = [
            judge(case.id, case.raw, mode=case.mode, underscore_names=case.underscore_names, rules=rules)
            for rules in ("upstream", "strict")
        ]
        judging = False
        seconds = (time.process_time() - start) / 2
        slowest = max(slowest, (seconds, f"{case.id} {case.mode} {case.raw!r:.80}"))
        assert seconds < LIMIT, f"{number}: {seconds:.2f} s for {slowest[1]}"
        for verdict in verdicts:
            assert (verdict.code is None) == (verdict.outcome == "pass"), (case, verdict)
            assert len(json.dumps([verdict.message, verdict.evidence], allow_nan=False)) < MEGABYTE
        outcomes[verdicts[0].code or "pass"] += 1
    print(f"{number + 1} replies, slowest {slowest[0]:.2f} CPU s ({slowest[1]})")
    for code, count in outcomes.most_common():
        print(f"{count:8}  {code}")


def _load_everything() -> None:
    judge("simple_python_0", "f(é='\\N{DASH}')")  # the parser loads a module for these
    for category in data.SINGLE_TURN:
        judge(data.questions(category)[0]["id"], "f(a=1)")
    for dialect in ("json", "verbose_xml"):
        judge(f"format_sensitivity_0:ret_fmt={dialect}:simple_python_1", "<functions><function name='f'/></functions>")


if __name__ == "__main__":
    main()
