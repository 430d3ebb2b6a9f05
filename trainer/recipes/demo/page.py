"""The experiment's numbers as a page of Markdown; every sentence about a result is derived from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from harness.stats import paired
from trainer.recipes.demo.experiment import BEFORE
from trainer.recipes.demo.judge import NO_TO_RIGHT, YES_TO_WRONG
from trainer.recipes.demo.source import SHARES

TITLES: Mapping[str, str] = {
    "format": "format",
    "name": "name",
    "arguments": "arguments",
    "exact": "exact",
    "bfcl": "BFCL",
    "probe": "probe",
}
LABELS: Mapping[str, str] = {
    BEFORE: "embedded model, before",
    "base": "base (cold start)",
    "sft-raw": "SFT, raw data",
    "sft": "SFT",
    "msl-0.3": "MSL, alpha 0.3",
    "msl-0.5": "MSL, alpha 0.5",
    "msl-0.7": "MSL, alpha 0.7",
    "ssb": "SSB",
    "srml": "SRML, one round",
}

FLOOR = 0.1
"""Where no model passes more, a metric says nothing."""

Numbers = Mapping[str, Any]


def page(numbers: Numbers) -> str:
    """The whole page.

    Args:
        numbers: From `numbers.gather`.

    Returns:
        Markdown.
    """
    parts = (_head(numbers), _scores(numbers), _findings(numbers), _refinement(numbers), _training(numbers))
    return "\n\n".join((*parts, _limits(numbers))) + "\n"


def _head(numbers: Numbers) -> str:
    about, time = numbers["experiment"], numbers["time"]
    return f"""# Refinement, losses and self-refinement against plain fine-tuning

Written by `python -m trainer.recipes.demo` from its own runs. All models are the embedded one of 4.4 million
parameters, trained from scratch: this shows that the whole path works and what it gives at this size. It is no
reproduction of FunReason's 7B results.

{_counted(about["seeds"], "seed")}, {about["records"]} source records a seed, {about["steps"]} steps of
{about["batch"]} records for every method, items of level {about["level"]}. Each seed has a source set, a refinement and
batch orders of its own; the cold-started base is shared. {time["wall_seconds"] / 60:.1f} minutes and
{time["cpu_seconds"] / 60:.1f} CPU minutes on {numbers["machine"]["cores"]} cores ({numbers["machine"]["cpu"]}) that
other programs may have shared."""


def _scores(numbers: Numbers) -> str:
    metrics = list(numbers["models"]["base"])
    rows = []
    for method in (BEFORE, "base", *numbers["experiment"]["methods"]):
        names = [name for name in numbers["models"] if name in (method, *_seeded(numbers, method))]
        scores = [_mean([numbers["models"][name][metric] for name in names]) for metric in metrics]
        silent = 100 * fmean(numbers["without_call"][name] for name in names)
        rows.append([LABELS[method], *scores, f"{silent:.1f}"])
    sizes = {metric: numbers["models"]["base"][metric]["n"] for metric in metrics}
    head = ["model", *(f"{TITLES[metric]} (n {sizes[metric]})" for metric in metrics), "no call"]
    bfcl = "" if "bfcl" in metrics else "\n\nBFCL was not run: its data had not been fetched."
    return f"""## Scores

Percent of held-out questions, mean over seeds ± standard deviation between seeds, and for models without a seed the
95 % Wilson interval. Function and parameter names occur in no training. Format, name, arguments and exact match grade
one reply; "no call" is the share of these questions that were answered without one. BFCL: questions of `simple_python`
and half as many of `multiple`, evenly spread, all replies counted. Probe: questions like those of the embedded model's
pre-training, one in seven of a level (several functions, several calls, no call) that fine-tuning never shows.{bfcl}

{_table(head, rows)}"""


REFERENCES: Mapping[str, str] = {"sft": "SFT on refined data", "base": "base"}


def _findings(numbers: Numbers) -> str:
    said, tables = [], []
    for reference, title in REFERENCES.items():
        differences = numbers["differences"][reference]
        rows = []
        for metric in _shown(differences):
            if max(one[metric]["value"] for one in numbers["models"].values()) < FLOOR:
                said.append(f"- {TITLES[metric]} against {title}: every model is at the floor, nothing can be said.")
                continue
            q = paired.benjamini_hochberg({method: one[metric]["p"] for method, one in differences.items()})
            said.append(
                _sentence(f"{TITLES[metric]} against {title}", {m: o[metric] for m, o in differences.items()}, q)
            )
            rows += [_row(method, metric, one[metric], q[method]) for method, one in differences.items()]
        head = ["method", "on", "points", "by seed", "95 % over items", "95 % over seeds", "q", "verdict"]
        if rows:
            tables.append(f"Minus {title}:\n\n{_table(head, rows)}")
    how = """A question with its answers by all seeds is one observation of the interval over items (bootstrap) and of
the exact sign-flip test, whose p is adjusted over the methods (q, Benjamini-Hochberg). The interval over seeds is
Student's t of the seeds' differences. A difference counts only where q is below 0.05 and the interval over seeds, where
there is more than one, leaves out 0."""
    return "\n\n".join(("## What it shows", "\n".join(said), *tables, how))


def _sentence(what: str, found: Mapping[str, Numbers], q: Mapping[str, float]) -> str:
    """The verdicts on all methods in words."""
    verdicts = {method: _judgement(one, q[method]) for method, one in found.items()}
    named = [
        f"{LABELS[method]} is {word} ({_points(found[method]['mean'])})"
        for method, word in verdicts.items()
        if word != "noise"
    ]
    rest = "the others show no difference beyond noise" if len(named) < len(found) else ""
    return f"- {what}: {'; '.join((*named, *([rest] if rest else []))) if named else 'no difference beyond noise'}."


def _row(method: str, metric: str, found: Numbers, q: float) -> list[str]:
    seeds = " ".join(_points(one["difference"]) for one in found["seeds"])
    limits = (_interval(found["over_items"]), _interval(found["over_seeds"]))
    return [
        *(LABELS[method], TITLES[metric], _points(found["mean"]), seeds),
        *(*limits, f"{q:.3f}" if q >= 0.001 else "< 0.001", _judgement(found, q)),
    ]


def _shown(differences: Numbers) -> list[str]:
    """The metrics that are spoken of, in a fixed order."""
    return [name for name in ("exact", "bfcl", "probe") if any(name in one for one in differences.values())]


def _judgement(found: Numbers, q: float) -> str:
    """higher, lower or noise."""
    seeds = found["over_seeds"]
    if q >= 0.05 or (seeds is not None and seeds[0] <= 0 <= seeds[1]):
        return "noise"
    return "higher" if found["mean"] > 0 else "lower"


def _refinement(numbers: Numbers) -> str:
    found = numbers["refinement"]
    counts, n = found["counts"], found["counts"]["raw"]
    shares = ", ".join(f"{kind} {share:.0%}" for kind, share in SHARES.items())
    stages = [
        [
            f"{number} {stage}",
            str(one["asked"]),
            str(one["wrong"]),
            str(one["refused"]),
            _ratio(one["hits"], one["refused"]),
            _ratio(one["hits"], one["wrong"]),
        ]
        for number, (stage, one) in enumerate(found["stages"].items(), 1)
    ]
    kinds = [
        [kind, str(sum(one.values())), *(str(one[outcome]) for outcome in ("kept", "dropped", "hard"))]
        for kind, one in sorted(found["kinds"].items())
    ]
    rounds = [
        [str(seed), *(str(one[name]) for name in ("source", "candidates", "kept", "dropped", "hard"))]
        for seed, one in enumerate(numbers["rounds"], 1)
    ]
    head = ["seed", "asked", "readable answers", "kept", "dropped", "hard"]
    loop = f"The round of self-refinement:\n\n{_table(head, rounds)}" if rounds else "Self-refinement was not run."
    kept_good = counts["raw_good"] - counts["good_lost"]
    return f"""## Refinement against the truth

The judge is a script that knows the truth and errs on purpose: at each question it accepts {YES_TO_WRONG:.0%} of what
is wrong and refuses {NO_TO_RIGHT:.0%} of what is right, decided by a digest. These numbers say what the five stages
make of such a judge, not what a language model would decide. Records: {shares}, the rest clean.

Good records (right answer, reasoning that leads to it) are {_ratio(counts["raw_good"], n)} of the {n} before and
{_ratio(counts["kept_good"], counts["kept"])} of the {counts["kept"]} kept (precision);
{_ratio(kept_good, counts["raw_good"])} of the good ones were kept (recall). {counts["repaired"]} of the kept answers
were repaired. Beside {counts["stale"]} right answers kept stands reasoning that leads elsewhere: FCDR judges the
reasoning before it repairs the answer.

{_table(["stage", "asked", "to refuse", "refused", "precision", "recall"], stages)}

{_table(["kind", "records", "kept", "dropped", "hard"], kinds)}

{loop}"""


def _training(numbers: Numbers) -> str:
    rows = []
    for method in ("base", *numbers["experiment"]["methods"]):
        found = _trainings(numbers, method)
        before = _trainings(numbers, "warm") if method == "srml" else []
        alpha = ", ".join(f"{one['alpha']:.2f}" for one in found) if method == "ssb" else "-"
        rows.append(
            [
                LABELS[method],
                " + ".join(str(some[0]["steps"]) for some in (before, found) if some),
                " + ".join(f"{fmean(one['records'] for one in some):.0f}" for some in (before, found) if some),
                f"{sum(fmean(one['reply_tokens_seen'] for one in some) for some in (before, found) if some):,.0f}",
                alpha,
            ]
        )
    tokens = numbers["training"]["base"]["tokens"]
    about, commit = numbers["experiment"], str(numbers["code"].get("git", ""))
    start = str(numbers["training"]["sft-1"]["start_sha256"])
    return f"""## Training

{tokens["think"] / tokens["result"]:.1f} think tokens a result token (the paper's data: 11 to 1). SRML: half of the
steps by MSL with alpha 0.5; its answers to the source questions, refined without repairs, train the other half.

{_table(["model", "steps", "records", "reply tokens seen", "alpha at the end"], rows)}

Embedded model {about["model"][:12]}, base {start[:12]}, commit {commit[:12]}."""


def _trainings(numbers: Numbers, method: str) -> list[Numbers]:
    """Of a method, by seed."""
    names = (method, *_seeded(numbers, method))
    return [one for name, one in numbers["training"].items() if name in names]


def _limits(numbers: Numbers) -> str:
    seeds = numbers["experiment"]["seeds"]
    one = "One seed says nothing about the spread between trainings. " if seeds == 1 else ""
    return f"""## What it does not show

{one}The model copies names and values and does not reason; its thinking is made by rule. A paper's 7B model, its data
and its judge differ from this in every respect. HumanEval and MBPP, with which the papers measure forgetting, are out
of reach of 4.4 million parameters, so the probe stands in for them. The form of the thinking and base's training were
chosen with a look at base's score on these held-out questions, so that it is neither at the floor nor at the ceiling.
One thing was changed after differences between methods had been seen: statements are reasoned about at length
(`trainer/recipes/demo/README.md` says why)."""


def _seeded(numbers: Numbers, method: str) -> tuple[str, ...]:
    return tuple(f"{method}-{seed}" for seed in range(1, numbers["experiment"]["seeds"] + 1))


def _mean(scores: Sequence[Numbers]) -> str:
    values = [100 * score["value"] for score in scores]
    if len(values) == 1:
        return f"{values[0]:.1f} ({100 * scores[0]['low']:.0f}-{100 * scores[0]['high']:.0f})"
    return f"{fmean(values):.1f} ± {stdev(values):.1f}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _interval(limits: Sequence[float] | None) -> str:
    return "-" if limits is None else f"{_points(limits[0])} to {_points(limits[1])}"


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
