"""The experiment's numbers as a page of Markdown; every sentence about a result is derived from the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from statistics import fmean

from harness.stats import paired
from trainer.recipes.demo.experiment import EMBEDDED
from trainer.recipes.demo.page_data import refinement, training
from trainer.recipes.demo.words import LABELS, Numbers, counted, flowing, interval, mean, points, seeded, table

TITLES: Mapping[str, str] = {
    "format": "format",
    "name": "name",
    "arguments": "arguments",
    "exact": "exact",
    "bfcl": "BFCL",
    "simple": "simple_python",
    "multiple": "multiple",
    "irrelevance": "irrelevance",
    "probe": "probe",
    "texts": "texts",
    "chat": "chat answers",
    "questions": "plain questions",
}
SPOKEN_OF = ("exact", "bfcl", "irrelevance", "probe", "texts", "chat", "questions")
"""Metrics whose differences are tested, in the order of the page."""
RETENTION = ("texts", "chat", "questions")
REFERENCES: Mapping[str, str] = {"sft": "SFT on refined data", "base": "base"}
FLOOR = 0.1
"""Where no model passes more, a metric says nothing."""
DISAGREEING = (0.2, 0.5)
"""Shares of questions on which two models may disagree, little and much: what a number of questions can find depends
on it."""


def page(numbers: Numbers) -> str:
    """The whole page.

    Args:
        numbers: From `numbers.gather`.

    Returns:
        Markdown.
    """
    parts = (_head, _power, _scores, _retention, _findings, refinement, training, _limits)
    return flowing("\n\n".join(text for part in parts if (text := part(numbers)))) + "\n"


def _embedded(numbers: Numbers) -> bool:
    return bool(numbers["experiment"]["model"] == EMBEDDED)


def _head(numbers: Numbers) -> str:
    about, time = numbers["experiment"], numbers["time"]
    what = f"All models are trained from `{about['model']}`, which is base as it is: no cold start."
    if _embedded(numbers):
        what = """All models are the embedded one of 4.4 million parameters, trained from scratch: this shows that the
whole path works and what it gives at this size."""
    lacking = ", ".join(f"`{name}`" for name in numbers["missing"])
    so_far = f"\n\n**Not finished**: {lacking} are missing; the same command goes on." if lacking else ""
    return f"""# Refinement, losses and self-refinement against plain fine-tuning

Written by `python -m trainer.recipes.demo` from its own runs. {what} It is no reproduction of FunReason's 7B results.

{counted(about["seeds"], "seed")}, {about["records"]} source records a seed, {about["steps"]} steps of
{about["batch"]} records for every method, items of level {about["level"]}. Each seed has a source set, a refinement and
batch orders of its own; base is shared. {time["wall_seconds"] / 60:.1f} minutes and {time["cpu_seconds"] / 60:.1f} CPU
minutes on {" and ".join(numbers["machines"])} that other programs may have shared.{so_far}"""


def _power(numbers: Numbers) -> str:
    sizes = {
        metric: score["n"]
        for metric, score in numbers["models"]["base"].items()
        if metric in SPOKEN_OF and metric not in ("texts", "chat")
    }
    found = [
        [f"{TITLES[metric]} ({n})", *(f"{100 * paired.minimum_detectable(n, share):.0f}" for share in DISAGREEING)]
        for metric, n in sizes.items()
    ]
    head = ["questions", *(f"points, {share:.0%} disagree" for share in DISAGREEING)]
    return f"""## What it could find

Known before anything was trained: the smallest true difference between two models that McNemar's test at the 5 % level
finds four times in five, if they disagree on so many of the questions. Smaller differences can be there and stay
unseen. What several seeds find together lies between this and what as many times the questions would find.

{table(head, found)}"""


def _by_method(numbers: Numbers) -> Iterator[tuple[str, list[str]]]:
    """Each method with the names of its models that were measured."""
    for method in (EMBEDDED, "base", *numbers["experiment"]["methods"]):
        names = [name for name in numbers["models"] if name in (method, *seeded(numbers, method))]
        if names:
            yield LABELS[method], names


def _scores(numbers: Numbers) -> str:
    metrics = [name for name in numbers["models"]["base"] if name not in RETENTION]
    rows = []
    for label, names in _by_method(numbers):
        scores = [mean([numbers["models"][name][metric] for name in names]) for metric in metrics]
        silent = 100 * fmean(numbers["without_call"][name] for name in names)
        rows.append([label, *scores, f"{silent:.1f}"])
    sizes = {metric: numbers["models"]["base"][metric]["n"] for metric in metrics}
    head = ["model", *(f"{TITLES[metric]} (n {sizes[metric]})" for metric in metrics), "no call"]
    return f"""## Scores

Percent of held-out questions, mean over seeds ± standard deviation between seeds, and where there is one model the
95 % Wilson interval. Function and parameter names occur in no training. Format, name, arguments and exact match grade
one reply; "no call" is the share of these questions that were answered without one. {" ".join(_told(metrics))}

{table(head, rows)}"""


def _retention(numbers: Numbers) -> str:
    sizes = {name: numbers["models"]["base"][name]["n"] for name in RETENTION if name in numbers["models"]["base"]}
    if not sizes:
        return ""
    rows = []
    for label, names in _by_method(numbers):
        row = [label]
        for metric in sizes:
            found = [numbers["models"][name][metric] for name in names]
            row += [mean(found), *([f"{fmean(one['loss'] for one in found):.2f}"] if "loss" in found[0] else [])]
        rows.append(row)
    head = ["model"]
    for metric, n in sizes.items():
        head += [f"{TITLES[metric]} (n {n})", *(["loss"] if metric != "questions" else [])]
    return f"""## What training cost elsewhere

The benchmark `retention` (`harness/benchmarks/retention.py`): how likely fixed texts and chat answers are, as the
geometric mean probability of a token in percent, mean over the texts, and as loss in nats a token; and the share of
plain questions, without any tool, that are answered in words and not by a function call. More is better but for the
loss. Where there is one model the 95 % interval over items is Student's t for texts and answers, Wilson's for
questions.

{table(head, rows)}"""


def _told(metrics: Iterable[str]) -> Iterator[str]:
    if "bfcl" in metrics:
        yield "BFCL: `simple_python` and half as many questions of `multiple`, evenly spread, all replies counted."
    else:
        yield "BFCL was not run: its data had not been fetched."
    if "irrelevance" in metrics:
        yield "Irrelevance: questions of BFCL that no function fits; a reply without a call passes."
    if "probe" in metrics:
        yield """Probe: questions like those of the embedded model's pre-training, one in seven of a level (several
functions, several calls, no call) that fine-tuning never shows."""


def _findings(numbers: Numbers) -> str:
    said, tables = [], []
    for reference, title in REFERENCES.items():
        differences = numbers["differences"][reference]
        rows = []
        for metric in (name for name in SPOKEN_OF if any(name in one for one in differences.values())):
            if metric not in RETENTION and max(one[metric]["value"] for one in numbers["models"].values()) < FLOOR:
                said.append(f"- {TITLES[metric]} against {title}: every model is at the floor, nothing can be said.")
                continue
            q = paired.benjamini_hochberg({method: one[metric]["p"] for method, one in differences.items()})
            said.append(
                _sentence(f"{TITLES[metric]} against {title}", {m: o[metric] for m, o in differences.items()}, q)
            )
            rows += [_row(method, metric, one[metric], q[method]) for method, one in differences.items()]
        head = ["method", "on", "points", "by seed", "95 % over items", "95 % over seeds", "q", "verdict"]
        if rows:
            tables.append(f"Minus {title}:\n\n{table(head, rows)}")
    how = """A question with its answers by all seeds is one observation of the interval over items (bootstrap) and of
the exact sign-flip test (of Student's t test for texts and chat answers, which are grades), whose p is adjusted over
the methods (q, Benjamini-Hochberg). The interval over seeds is Student's t of the seeds' differences. A difference
counts only where q is below 0.05 and the interval over seeds, where there is more than one, leaves out 0."""
    return "\n\n".join(("## What it shows", "\n".join(said), *tables, how))


def _sentence(what: str, found: Mapping[str, Numbers], q: Mapping[str, float]) -> str:
    """The verdicts on all methods in words."""
    verdicts = {method: _judgement(one, q[method]) for method, one in found.items()}
    named = [
        f"{LABELS[method]} is {word} ({points(found[method]['mean'])})"
        for method, word in verdicts.items()
        if word != "noise"
    ]
    rest = "the others show no difference beyond noise" if len(named) < len(found) else ""
    return f"- {what}: {'; '.join((*named, *([rest] if rest else []))) if named else 'no difference beyond noise'}."


def _row(method: str, metric: str, found: Numbers, q: float) -> list[str]:
    seeds = " ".join(points(one["difference"]) for one in found["seeds"])
    limits = (interval(found["over_items"]), interval(found["over_seeds"]))
    return [
        *(LABELS[method], TITLES[metric], points(found["mean"]), seeds),
        *(*limits, f"{q:.3f}" if q >= 0.001 else "< 0.001", _judgement(found, q)),
    ]


def _judgement(found: Numbers, q: float) -> str:
    """higher, lower or noise."""
    seeds = found["over_seeds"]
    if q >= 0.05 or (seeds is not None and seeds[0] <= 0 <= seeds[1]):
        return "noise"
    return "higher" if found["mean"] > 0 else "lower"


def _limits(numbers: Numbers) -> str:
    one = "One seed says nothing about the spread between trainings. " if len(numbers["seeds"]) == 1 else ""
    if _embedded(numbers):
        return f"""## What it does not show

{one}The model copies names and values and does not reason; its thinking is made by rule. A paper's 7B model, its data
and its judge differ from this in every respect. HumanEval and MBPP, with which the papers measure forgetting, are out
of reach of 4.4 million parameters, so the probe stands in for them. The form of the thinking and base's training were
chosen with a look at base's score on these held-out questions, so that it is neither at the floor nor at the ceiling.
One thing was changed after differences between methods had been seen: statements are reasoned about at length
(`trainer/recipes/demo/README.md` says why)."""
    return f"""## What it does not show

{one}Questions and thinking of the training data are made by rule, the thinking three times as long as the answer: it
names and copies values and does not reason, so a weight between thinking and result is tried on thinking that is easy
to learn. A paper's 7B model, its tens of thousands of records and its judge differ from this in every respect. The
number of steps was chosen by SFT alone, so that it stands between floor and ceiling on `simple_python`; at other sizes
the order of the methods may be another."""
