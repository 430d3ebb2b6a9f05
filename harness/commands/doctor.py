"""`harness doctor`: what this machine offers, and what to do about what is missing."""

from __future__ import annotations

import json
import shutil
import textwrap

import click

MARKS = {"ok": "ok", "missing": "--", "broken": "!!"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Show what this machine offers, and what would add the rest.

    Devices, engines, benchmarks, data and sandboxes.
    """
    from dataclasses import asdict

    from harness.doctor import examine
    from harness.text import one_line

    findings = examine()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
        return
    width = shutil.get_terminal_size().columns
    margin = max(len(f"{finding.topic} {finding.name}") for finding in findings)
    for finding in findings:
        name = f"{finding.topic} {finding.name}".ljust(margin)
        click.echo(_paragraph(f"{MARKS[finding.state]}  {name}  ", one_line(finding.detail), width))
        if finding.remedy:
            click.echo(_paragraph(" " * (margin + 6), f"-> {one_line(finding.remedy)}", width))


def _paragraph(head: str, text: str, width: int) -> str:
    """Text beside its heading; paths stay whole, to be copied."""
    wrapper = textwrap.TextWrapper(width, head, " " * len(head), break_long_words=False, break_on_hyphens=False)
    return wrapper.fill(text)
