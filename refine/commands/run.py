"""`refine run`: the five stages over a data set."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click


@click.command("run")
@click.option("--input", "source", required=True, metavar="FILE|HF_ID", help="Data set: JSONL file or hub id[:split].")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, file_okay=False), help="Run folder.")
@click.option("--judge-model", "judges", required=True, multiple=True, help="Judging model; repeat for several judges.")
@click.option(
    "--judge-base-url",
    "--base-url",
    "base_urls",
    multiple=True,
    help="OpenAI-compatible server; repeat for several.",
)
@click.option(
    "--judge-engine", "--engine", "engine", default="openai", show_default=True, help="openai, hf, vllm_server, ..."
)
@click.option(
    "--judge-args",
    "--model-args",
    "options",
    multiple=True,
    metavar="K=V",
    help="Options of the engine; commas or repeated.",
)
@click.option("--api-key-env", default="OPENAI_API_KEY", show_default=True, help="Environment variable with the key.")
@click.option("--format", "form", default="auto", show_default=True, help="example, xlam, openai, ..., or row by row.")
@click.option("--columns", default="", metavar="OURS=THEIRS", help="Fields of other names: messages=dialog,tools=fns.")
@click.option("--roles", default="", metavar="THEIRS=OURS", help="Speakers of other names: agent=assistant.")
@click.option("--stages", default="all", show_default=True, help="all, 1-3, or names: response,query,cot,...")
@click.option("--write-cot", is_flag=True, help="Write a chain of thought for examples that have none.")
@click.option("--threshold", type=click.FloatRange(0, 10), help="Grade what passed; keep this score or better.")
@click.option(
    "--votes", default=1, show_default=True, type=click.IntRange(1), help="Calls a question: majority, or mean grade."
)
@click.option(
    "--max-attempts", default=3, show_default=True, type=click.IntRange(0), help="Regenerations of an answer."
)
@click.option("--decide", multiple=True, metavar="CHECK", help="Free checks that decide without the judge.")
@click.option(
    "--against", multiple=True, metavar="NAME", help="Mark overlap with bfcl, acebench, apibank, humaneval, mbpp."
)
@click.option(
    "--near-duplicates",
    type=click.FloatRange(0, 1),
    metavar="SIMILARITY",
    help="Mark near duplicates from here on (0.8).",
)
@click.option(
    "--judge-timeout", default=120.0, show_default=True, type=click.FloatRange(0.001), help="Seconds for one reply."
)
@click.option("--concurrency", type=click.IntRange(1), help="Calls in flight.")
@click.option(
    "--runner",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="One machine or a cluster.",
)
@click.option("--shards", default=8, show_default=True, type=click.IntRange(1), help="Parts of a run on ray.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N rows.")
@click.option("--seed", default=0, show_default=True, help="Of the judges' sampling.")
@click.option("--temperature", default=0.0, show_default=True, type=click.FloatRange(0), help="Of the judges.")
@click.option("--max-tokens", default=2048, show_default=True, type=click.IntRange(1), help="Of one judgement.")
@click.option("--prices", metavar="IN,OUT|FILE", help="USD for a million prompt and completion tokens.")
@click.option("--cost-limit", type=float, metavar="USD", help="Start no further example once this is spent.")
@click.option("--tokenizer", help="Count lengths in this model's tokens instead of words.")
@click.option("--dry-run", is_flag=True, help="Estimate calls, tokens and cost; ask nobody.")
@click.option("--overwrite", is_flag=True, help="Throw away what the output folder holds.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(**flags: Any) -> None:
    """Judge, repair and sort data by FCDR's five stages.

    Killed at any moment, the same command goes on where it was and asks nothing twice. Writes kept.jsonl,
    dropped.jsonl, hard.jsonl, report.md and report.html into the output folder.

    \b
    Example:
      refine run --input xlam.jsonl -o refined --judge-model QwQ-32B \\
        --judge-base-url http://127.0.0.1:8000/v1
    """
    from refine import report
    from refine.jobs import check_complete
    from refine.ledger import read_lines
    from refine.outputs import FILES
    from refine.run import run

    settings, as_json = _settings(flags), flags["as_json"]
    if flags["dry_run"]:
        _dry_run(settings, as_json)
        return
    count = report.token_counter(flags["tokenizer"]) if flags["tokenizer"] else None
    if flags["runner"] == "ray":
        from refine.spread import run_on_ray

        counts = run_on_ray(settings, flags["shards"])
    else:
        with Progress(settings.prices) as watch:
            counts = run(settings, watch)
    report.write_report(settings.output, report.summarise(settings.output, count))
    click.echo(json.dumps(counts) if as_json else _counts(counts, settings.output))
    _warn_of_thinking(line.get("think") for line in read_lines(settings.output / FILES["kept"]))
    check_complete(counts, settings.cost_limit, "examples")


def _settings(flags: dict[str, Any]) -> Any:
    """Flags as `refine.run.Settings`."""
    from harness.data.examples import pairs as pairs_of
    from harness.results.usage import parse_prices
    from harness.running.pairs import pairs, split
    from harness.types import Sampling
    from refine.run import Settings

    judges = tuple(split(flags["judges"]))
    return Settings(
        input=flags["source"],
        output=flags["output"],
        judges=judges,
        engine=flags["engine"],
        base_urls=tuple(split(flags["base_urls"])),
        engine_options=pairs("--judge-args", flags["options"]),
        api_key_env=flags["api_key_env"],
        concurrency=flags["concurrency"],
        form=flags["form"],
        stages=flags["stages"],
        write_cot=flags["write_cot"],
        threshold=flags["threshold"],
        votes=flags["votes"],
        max_attempts=flags["max_attempts"],
        decide=tuple(split(flags["decide"])),
        against=tuple(split(flags["against"])),
        near_duplicates=flags["near_duplicates"],
        limit=flags["limit"],
        sampling=Sampling(temperature=flags["temperature"], max_tokens=flags["max_tokens"], seed=flags["seed"]),
        prices={judge: parse_prices(flags["prices"], judge) for judge in judges} if flags["prices"] else {},
        cost_limit=flags["cost_limit"],
        timeout=flags["judge_timeout"],
        columns=pairs_of("--columns", flags["columns"]),
        roles=pairs_of("--roles", flags["roles"]),
        overwrite=flags["overwrite"],
    )


def _dry_run(settings: Any, as_json: bool) -> None:
    from dataclasses import asdict

    from refine.pipeline import spent
    from refine.run import estimate, usable

    found = estimate(settings)
    if not settings.write_cot:
        _warn_of_thinking(example.think for _, example in usable(settings, lambda row: None))
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(f"{found.examples} examples, {found.calls[0]} to {found.calls[1]} calls, ", nl=False)
    click.echo(f"about {found.prompt_tokens[0]} to {found.prompt_tokens[1]} prompt tokens")
    for reason, count in found.unusable.items():
        click.echo(f"unusable: {reason}: {count}")
    if settings.prices:
        low, high = (spent({settings.judges[0]: (tokens, 0)}, settings.prices) for tokens in found.prompt_tokens)
        click.echo(f"prompts cost {low:.2f} to {high:.2f}; replies come on top")


def _warn_of_thinking(thoughts: Iterator[str | None]) -> None:
    """Tell of records that do not think, or all think the same: a loss that weighs thinking learns nothing of it."""
    from harness.data.thinking import SAMPLE, SHARE, commonest
    from harness.text import one_line

    seen = [(thought or "").strip() for thought in islice(thoughts, SAMPLE)]
    thought, share = commonest(seen) if len(seen) > 1 else ("", 0.0)
    if share >= SHARE:
        what = f"think the same, {one_line(thought, 60)!r}" if thought else "have no thinking"
        click.echo(
            f"warning: {share:.0%} of the first {len(seen)} records {what}: `trainer run --loss msl` gives their "
            "thinking half of the loss. --write-cot lets the judge write it.",
            err=True,
        )


def _counts(counts: dict[str, int], folder: Path) -> str:
    from harness.text import one_line
    from refine.ledger import read_lines
    from refine.outputs import books
    from refine.sift import TOLD

    rows = {line["line"]: line for book in books(folder) for line in read_lines(book / "unusable.jsonl")}
    parts = [*((n, outcome) for outcome, n in counts.items()), *([(len(rows), "unusable")] if rows else [])]
    told = [f"line {number}: {one_line(rows[number]['reason'], 200)}" for number in sorted(rows)[:TOLD]]
    return "\n".join([*told, ", ".join(f"{n} {what}" for n, what in parts) + f"; report: {folder / 'report.html'}"])


class Progress:
    """Counts on a live line of a terminal, or a plain line every ten seconds elsewhere."""

    def __init__(self, prices: dict[str, dict[str, float]]) -> None:
        from rich.console import Console

        self.console = Console(stderr=True)
        self.prices, self.last = prices, 0.0

    def __enter__(self) -> Any:
        return self.show

    def show(self, tally: Any) -> None:
        """Show the counts, at most five times a second."""
        from time import monotonic

        live = sys.stderr.isatty()
        if monotonic() - self.last < (0.2 if live else 10):
            return
        self.last = monotonic()
        self.console.print(
            progress_line(tally, self.prices),
            end="\r" if live else "\n",
            highlight=False,
            no_wrap=True,
            overflow="ellipsis",
        )

    def __exit__(self, *exception: object) -> None:
        if sys.stderr.isatty():
            self.console.print()


def progress_line(tally: Any, prices: dict[str, dict[str, float]]) -> str:
    """Outcomes, calls by stage, unreadable ones, tokens and cost in one line.

    Args:
        tally: A `refine.pipeline.Tally`.
        prices: By model; the cost is left out without them.

    Returns:
        The line.
    """
    from refine.pipeline import spent

    done = " · ".join(f"{n} {outcome}" for outcome, n in sorted(tally.outcomes.items())) or "0 done"
    calls = ", ".join(f"{stage} {n}" for stage, n in tally.calls.items()) or "none"
    tokens = sum(prompt + completion for prompt, completion in tally.tokens.values())
    money = f" · cost {spent(tally.tokens, prices):.2f}" if prices else ""
    return f"{done} · calls: {calls} ({tally.faults} unreadable) · {tokens} tokens{money}"
