"""`harness doctor`: what this machine offers, and what to do about what is missing."""

from __future__ import annotations

import json

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
    width = max(len(f"{finding.topic} {finding.name}") for finding in findings)
    for finding in findings:
        name = f"{finding.topic} {finding.name}".ljust(width)
        click.echo(f"{MARKS[finding.state]}  {name}  {one_line(finding.detail)}")
        if finding.remedy:
            click.echo(f"    {'':{width}}  -> {one_line(finding.remedy)}")
