"""What a run did, for people: the funnel of stages, reasons, lengths beside the paper's, examples of each outcome."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import mean, median
from typing import Any

from harness.errors import UsageProblem
from harness.files import write_atomic
from harness.models import tokenizer_of
from harness.text import one_line
from refine.ledger import read_claim, read_lines
from refine.outputs import books, last_outcomes, read_status
from refine.similar import words

PAPER_LENGTHS = {"think": (350.74, 248), "result": (31.07, 27)}
"""Mean and median tokens of FunReason's 60k set (arXiv 2505.20192, data statistics)."""

Count = Callable[[str], int]


def summarise(folder: Path, count: Count | None = None, examples: int = 3) -> dict[str, Any]:
    """Everything the report shows.

    Args:
        folder: The run's folder.
        count: Counts the tokens of a text; words where it is None, and the summary says so.
        examples: Examples to show of each outcome.

    Returns:
        JSON values: `run`, `outcomes`, `cost_limit`, `left`, `unusable` (rows by reason), `repaired`, `stages`,
        `findings`, `lengths`, `calls`, `examples`.
    """
    outcomes: Counter[str] = Counter()
    stages: Counter[tuple[str, str]] = Counter()
    findings: Counter[str] = Counter()
    lengths: dict[str, list[int]] = {"think": [], "result": []}
    shown: dict[str, list[dict[str, Any]]] = {}
    measure = count or (lambda text: len(words(text)))
    repaired = 0
    for line in last_outcomes(folder):
        outcomes[line["outcome"]] += 1
        stages[line["stage"], line["outcome"]] += 1
        findings.update({finding["check"] for finding in line["findings"]})
        repaired += line["outcome"] == "kept" and line["repairs"] > 0
        if line["outcome"] == "kept":
            lengths["result"].append(measure(line["example"]["answer"]))
            if line["example"]["think"] is not None:
                lengths["think"].append(measure(line["example"]["think"]))
        if len(shown.setdefault(line["outcome"], [])) < examples:
            shown[line["outcome"]].append(line)
    return {
        "run": read_claim(folder / "run.json"),
        "outcomes": dict(outcomes),
        **read_status(folder),
        "unusable": dict(_unusable(folder).most_common()),
        "repaired": repaired,
        "stages": [{"stage": stage, "outcome": outcome, "n": n} for (stage, outcome), n in sorted(stages.items())],
        "findings": dict(findings.most_common()),
        "unit": "tokens" if count else "words",
        "lengths": {part: _length(values) for part, values in lengths.items()},
        "paper_lengths": {part: {"mean": m, "median": d} for part, (m, d) in PAPER_LENGTHS.items()},
        "calls": calls_summary(folder),
        "examples": shown,
    }


def calls_summary(folder: Path) -> list[dict[str, Any]]:
    """Calls, unreadable or failed ones, tokens and seconds, by stage and model."""
    table: dict[tuple[str, str], dict[str, Any]] = {}
    for line in (line for book in books(folder) for line in read_lines(book / "calls.jsonl")):
        row = table.setdefault(
            (line["stage"], line["model"]),
            {"calls": 0, "unreadable": 0, "prompt_tokens": 0, "completion_tokens": 0, "seconds": 0.0},
        )
        row["calls"] += 1
        row["unreadable"] += line["read"] is None
        for name in ("prompt_tokens", "completion_tokens", "seconds"):
            row[name] += line[name]
    return [{"stage": stage, "model": model} | row for (stage, model), row in sorted(table.items())]


def _unusable(folder: Path) -> Counter[str]:
    """Rows that are not records, by reason; each shard has read all of them."""
    rows = {line["line"]: line["reason"] for book in books(folder) for line in read_lines(book / "unusable.jsonl")}
    return Counter(one_line(reason, 200) for reason in rows.values())


def write_report(folder: Path, summary: Mapping[str, Any], template: str = "report") -> None:
    """Write `report.md`, `report.html` and `stats.json` into the run's folder.

    Args:
        folder: The run's folder.
        summary: What `summarise` returned.
        template: Stem of the templates.
    """
    from jinja2 import Environment, PackageLoader, select_autoescape

    loader = PackageLoader("refine", "templates")
    environment = Environment(loader=loader, autoescape=select_autoescape(["html.j2"]), trim_blocks=True)
    environment.filters["plain"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
    for ending in ("md", "html"):
        page = environment.get_template(f"{template}.{ending}.j2").render(s=summary)
        write_atomic(folder / f"report.{ending}", page.encode("utf-8", "replace"))
    write_atomic(folder / "stats.json", json.dumps(summary, indent=1).encode())


def token_counter(tokenizer: str) -> Count:
    """A counter by a model's own tokenizer.

    Args:
        tokenizer: Folder or hub id.

    Returns:
        Text -> number of tokens.

    Raises:
        UsageProblem: There is no such tokenizer.
    """
    from transformers import AutoTokenizer

    try:
        loaded = AutoTokenizer.from_pretrained(tokenizer_of(tokenizer))
    except (OSError, ValueError) as problem:
        reason = one_line(str(problem), 200)
        raise UsageProblem(f"--tokenizer {tokenizer}: {reason}", "Give a model's folder or hub id.") from None
    return lambda text: len(loaded(text, add_special_tokens=False)["input_ids"])


def _length(values: list[int]) -> dict[str, float]:
    return {"n": len(values), "mean": round(mean(values), 2), "median": median(values)} if values else {"n": 0}
