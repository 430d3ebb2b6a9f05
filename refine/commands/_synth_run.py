"""`refine synth run`: walks in an environment become conversations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from refine.commands._synth_environment import environment_flags, values_of
from refine.commands._synth_plan import plan_flags, plan_settings


@click.command("run")
@environment_flags
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, file_okay=False), help="Run folder.")
@click.option("--model", "-m", help="Plays every role that --role gives to no other; `walk` recites without a model.")
@click.option(
    "--role", "roles", multiple=True, metavar="ROLE=MODEL", help="tool, query, reasoner, critic, judge, values."
)
@click.option("--base-url", "base_urls", multiple=True, help="OpenAI-compatible server; repeat for several.")
@click.option("--role-url", "role_urls", multiple=True, metavar="ROLE=URL", help="Server of one role's models.")
@click.option("--engine", default="openai", show_default=True, help="openai, hf, vllm_server, ...")
@click.option("--model-args", multiple=True, metavar="K=V", help="Options of the engine.")
@click.option("--api-key-env", default="OPENAI_API_KEY", show_default=True, help="Environment variable with the key.")
@click.option("--conversations", "-n", default=100, show_default=True, type=click.IntRange(1), help="How many.")
@plan_flags
@click.option("--graph", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Walk by this graph.")
@click.option("--against", multiple=True, metavar="NAME", help="Drop what stands in bfcl, acebench, apibank, ...")
@click.option(
    "--max-attempts", default=3, show_default=True, type=click.IntRange(1), help="Attempts at a turn (K_max)."
)
@click.option("--max-queries", default=3, show_default=True, type=click.IntRange(1), help="Queries written for a turn.")
@click.option("--votes", default=1, show_default=True, type=click.IntRange(1), help="Judgements put to the vote.")
@click.option("--temperature", default=0.0, show_default=True, type=click.FloatRange(0), help="Of all roles.")
@click.option("--max-tokens", default=2048, show_default=True, type=click.IntRange(1), help="Of one reply.")
@click.option(
    "--timeout", default=120.0, show_default=True, type=click.FloatRange(0.001), help="Seconds for one reply."
)
@click.option("--concurrency", type=click.IntRange(1), help="Calls in flight.")
@click.option(
    "--runner", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Where it runs."
)
@click.option("--shards", default=8, show_default=True, type=click.IntRange(1), help="Parts of a run on ray.")
@click.option("--prices", metavar="IN,OUT|FILE", help="USD for a million prompt and completion tokens.")
@click.option("--cost-limit", type=float, metavar="USD", help="Start no further conversation once this is spent.")
@click.option("--dry-run", is_flag=True, help="Walk, and estimate calls, tokens and cost; ask nobody.")
@click.option("--reply-tokens", default=400, show_default=True, type=click.IntRange(1), help="Of a reply in --dry-run.")
@click.option("--overwrite", is_flag=True, help="Throw away what the output folder holds.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def run(**flags: Any) -> None:
    """Turn walks in ENV into training conversations.

    Killed at any moment, the same command goes on where it was and asks nothing twice. Writes kept.jsonl,
    dropped.jsonl, hard.jsonl, report.md and report.html into the output folder.

    \b
      refine synth run examples/environments/library_desk.py:Desk \\
        -o desk --model walk -n 20
      refine synth run desk.py:Desk -o desk --model Qwen3-32B \\
        --base-url http://127.0.0.1:8000/v1 --role judge=gpt-oss-120b \\
        --role-url judge=http://127.0.0.1:8001/v1 --prices prices.yaml --dry-run
    """
    from refine.commands.run import Progress
    from refine.jobs import check_complete
    from refine.synth import report
    from refine.synth.run import prepare, run_shard, settled
    from refine.synth.run import run as synthesise

    settings, as_json = _settings(flags), flags["as_json"]
    if flags["dry_run"]:
        _dry_run(settings, flags["reply_tokens"], as_json)
        return
    if flags["runner"] == "ray":
        from refine.spread import run_on_ray

        settings = settled(settings)
        prepare(settings, settings.output)
        counts = run_on_ray(settings, flags["shards"], work=run_shard)
    else:
        with Progress(settings.prices) as watch:
            counts = synthesise(settings, watch)
    summary = report.write(settings.output)
    click.echo(json.dumps(counts | {"funnel": summary["funnel"]}) if as_json else _told(counts, summary, settings))
    check_complete(counts, settings.cost_limit, "conversations")


def _told(counts: dict[str, int], summary: dict[str, Any], settings: Any) -> str:
    funnel = " > ".join(f"{n} {phase}" for phase, n in summary["funnel"].items())
    outcomes = ", ".join(f"{n} {outcome}" for outcome, n in counts.items())
    return f"{funnel}\n{outcomes}; report: {settings.output / 'report.html'}"


def _settings(flags: dict[str, Any]) -> Any:
    """Flags as `refine.synth.run.Settings`."""
    from harness.results.usage import parse_prices
    from harness.running.pairs import pairs, split
    from harness.types import Sampling
    from refine.synth.crew import Crew
    from refine.synth.run import Settings

    crew = Crew(
        model=flags["model"] or "",
        models=_by_role("--role", flags["roles"]),
        engine=flags["engine"],
        base_urls=tuple(split(flags["base_urls"])),
        urls=_by_role("--role-url", flags["role_urls"]),
        engine_options=pairs("--model-args", flags["model_args"]),
        api_key_env=flags["api_key_env"],
        concurrency=flags["concurrency"],
        timeout=flags["timeout"],
    )
    return Settings(
        environment=flags["name"],
        output=flags["output"],
        crew=crew,
        conversations=flags["conversations"],
        plan=plan_settings(flags),
        graph=flags["graph"],
        environment_options=pairs("--env-args", flags["options"]),
        values=values_of(flags["values"]),
        benchmark_environments=flags["benchmarks"],
        targets_from=Path(flags["targets_from"]) if flags["targets_from"] else None,
        max_attempts=flags["max_attempts"],
        max_queries=flags["max_queries"],
        votes=flags["votes"],
        against=tuple(split(flags["against"])),
        sampling=Sampling(temperature=flags["temperature"], max_tokens=flags["max_tokens"], seed=flags["seed"]),
        prices={name: parse_prices(flags["prices"], name) for name in crew.everyone()} if flags["prices"] else {},
        cost_limit=flags["cost_limit"],
        overwrite=flags["overwrite"],
    )


def _by_role(flag: str, given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Values of a repeated `ROLE=VALUE`, in their order."""
    from harness.errors import UsageProblem

    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        role, sign, value = text.partition("=")
        if not sign or not value:
            raise UsageProblem(f"{flag} {text!r} has no =", f"For example: {flag} judge=NAME")
        found[role] = (*found.get(role, ()), value)
    return found


def _dry_run(settings: Any, reply_tokens: int, as_json: bool) -> None:
    from dataclasses import asdict

    from refine.pipeline import spent
    from refine.synth.estimate import estimate

    found = estimate(settings, reply_tokens)
    low, high = (
        spent({model: (sides[0][n], sides[1][n]) for model, sides in found.by_model.items()}, settings.prices)
        for n in (0, 1)
    )
    if as_json:
        click.echo(json.dumps(asdict(found) | ({"usd": [low, high]} if settings.prices else {})))
        return
    stages = ", ".join(f"{stage} {n}" for stage, n in found.stages.items())
    click.echo(f"{found.conversations} of {settings.conversations} conversations have a walk")
    click.echo(f"{found.calls[0]} to {found.calls[1]} calls (at least: {stages})")
    click.echo(f"about {found.prompt_tokens[0]} to {found.prompt_tokens[1]} prompt tokens, ", nl=False)
    click.echo(f"{found.reply_tokens[0]} to {found.reply_tokens[1]} reply tokens at {reply_tokens} a reasoner's reply")
    if settings.prices:
        click.echo(f"{low:.2f} to {high:.2f} USD")
