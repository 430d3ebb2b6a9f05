"""Write a gate's result: terminal, JSON, JUnit XML, GitHub job summary and annotations. All from the one verdict."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from xml.etree import ElementTree

from harness.analysis.gating import Finding, Gate, as_json
from harness.text import escaped, markdown_table, one_line, printable

HEADERS = ("rule", "verdict", "why")
SYMBOLS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}


def headline(result: Gate) -> str:
    """The verdict and what it means for the release."""
    verdict = f"gate: {result.verdict}"
    if result.verdict == "inconclusive":
        verdict += f" (on_inconclusive: {'pass' if result.lets_inconclusive_pass else 'fail'})"
    against = f" against {result.baseline}" if result.baseline else ""
    return one_line(f"{verdict}: {result.run}{against}", 300)


def terminal(result: Gate, width: int = 80) -> str:
    """One paragraph a rule."""
    said = textwrap.fill(headline(result), width, subsequent_indent="  ")
    lines = [said, *(textwrap.fill(note, width, subsequent_indent="  ") for note in _notes(result))]
    for finding in result.findings:
        text = f"{SYMBOLS[finding.outcome]} {finding.rule.title}: {finding.reason}"
        lines.append(textwrap.fill(printable(text), width, subsequent_indent="  "))
    return "\n".join(lines)


def dumped(result: Gate) -> str:
    """JSON."""
    return json.dumps(as_json(result), indent=1) + "\n"


def summary(result: Gate) -> str:
    """Markdown for a job summary."""
    rows = [
        (escaped(finding.rule.title), f"{SYMBOLS[finding.outcome]} {finding.outcome}", escaped(finding.reason))
        for finding in result.findings
    ]
    notes = "".join(f"- {escaped(note)}\n" for note in _notes(result))
    return (
        f"## {SYMBOLS[result.verdict]} {escaped(headline(result))}\n\n{notes}"
        + markdown_table(HEADERS, rows, left=3)
        + "\n"
    )


def _notes(result: Gate) -> list[str]:
    return [*(f"FORCED: {why}" for why in result.forced), *(f"caution: {why}" for why in result.cautions)]


def junit(result: Gate) -> str:
    """JUnit XML, one test case a rule; an inconclusive rule fails or is skipped as the policy says."""
    kinds = [_kind(result, finding) for finding in result.findings]
    attributes = {"tests": str(len(kinds)), "failures": str(kinds.count("failure")), "errors": "0", "time": "0"}
    attributes["skipped"] = str(kinds.count("skipped"))
    root = ElementTree.Element("testsuites", {"name": "harness gate", **attributes})
    suite = ElementTree.SubElement(root, "testsuite", {"name": _xml(result.run), **attributes})
    for finding in result.findings:
        names = {"classname": f"gate.{finding.rule.section}", "name": _xml(finding.rule.name), "time": "0"}
        case = ElementTree.SubElement(suite, "testcase", names)
        if kind := _kind(result, finding):
            ElementTree.SubElement(case, kind, message=_xml(finding.reason), type=finding.outcome)
        else:
            ElementTree.SubElement(case, "system-out").text = _xml(finding.reason)
    return _document(root)


def error_json(message: str, kind: str) -> str:
    """JSON of a gate that could not be held."""
    facts = {"verdict": "error", "passed": False, "error": printable(message, 2000), "kind": kind, "rules": []}
    return json.dumps(facts, indent=1) + "\n"


def error_junit(message: str, kind: str) -> str:
    """JUnit XML of a gate that could not be held."""
    attributes = {"tests": "1", "failures": "0", "errors": "1", "skipped": "0", "time": "0"}
    root = ElementTree.Element("testsuites", {"name": "harness gate", **attributes})
    suite = ElementTree.SubElement(root, "testsuite", {"name": "gate", **attributes})
    case = ElementTree.SubElement(suite, "testcase", {"classname": "gate", "name": "gate", "time": "0"})
    ElementTree.SubElement(case, "error", message=_xml(message), type=kind)
    return _document(root)


def error_summary(message: str) -> str:
    """Markdown of a gate that could not be held."""
    return f"## ! gate: error\n\n{escaped(message)}\n"


def error_command(message: str) -> str:
    """Annotation of a gate that could not be held."""
    return f"::error title=gate::{_command(message)}"


def _document(root: ElementTree.Element) -> str:
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _kind(result: Gate, finding: Finding) -> str | None:
    if finding.outcome == "pass":
        return None
    stops = finding.outcome == "fail" or not result.lets_inconclusive_pass
    return "failure" if stops else "skipped"


def _xml(text: str) -> str:
    """XML 1.0 cannot hold control characters or lone surrogates, not even escaped."""
    return printable(text, 2000)


def workflow_commands(result: Gate) -> Iterator[str]:
    """Workflow commands that GitHub shows beside the job."""
    for why in result.cautions:
        yield f"::warning title=gate::{_command(why)}"
    for finding in result.findings:
        if finding.outcome != "pass":
            level = "error" if _kind(result, finding) == "failure" else "warning"
            title = _command(f"gate {finding.rule.title}", ",:")
            yield f"::{level} title={title}::{_command(f'{finding.outcome}: {finding.reason}')}"


def _command(text: str, also: str = "") -> str:
    """Escape as workflow commands ask: nothing in a value ends it or starts another command."""
    for char in "%\r\n" + also:
        text = text.replace(char, f"%{ord(char):02X}")
    return printable(text, 1000)
