"""What the experiment shows, as numbers and as a page of Markdown; every sentence on a result is derived from them.

DIR/report/rl.json   curves and scores of every model, and each item's outcome
DIR/report/rl.md     the page
DIR/report/*.svg     reward by step
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from tabulate import tabulate

from harness.files import write_atomic
from harness.stats import views
from trainer import picture
from trainer.recipes.demo.numbers import over
from trainer.recipes.rl.experiment import Settings
from trainer.recipes.rl.numbers import Numbers, gather
from trainer.rl import probe
from trainer.rl.page import smooth

TITLES = {"start": "start (embedded model)", "sft": "SFT", "srml": "SRML", "grpo": "GRPO", "egpo": "EGPO"}

MEAN = 5
"""Steps of the moving mean in the pictures."""


def write(settings: Settings, folder: Path, earlier: Numbers) -> Path:
    """Write numbers, pictures and page from what is finished.

    Args:
        settings: Sizes.
        folder: The experiment's.
        earlier: Numbers of models that were measured elsewhere; empty where there are none.

    Returns:
        The page.

    Raises:
        UsageProblem: Those models were trained on other questions.
    """
    report = folder / "report"
    report.mkdir(exist_ok=True)
    numbers = gather(settings, folder, earlier)
    write_atomic(report / "rl.json", json.dumps(numbers, indent=1).encode())
    for method in ("grpo", "egpo"):
        curves = {
            name: smooth([(step, value) for step, value in found["reward"]], MEAN)
            for name, found in _trained(numbers, method)
        }
        if curves:
            drawn = picture.draw({f"reward, mean of {MEAN} steps": curves}, TITLES[method])
            write_atomic(report / f"{method}.svg", drawn.encode())
    write_atomic(report / "rl.md", text(numbers).encode())
    return report / "rl.md"


def _trained(numbers: Numbers, method: str) -> Iterator[tuple[str, Any]]:
    yield from ((name, each) for name, each in numbers["training"].items() if name.startswith(f"{method}-"))


def text(numbers: Numbers) -> str:
    """The page."""
    about = numbers["experiment"]
    return f"""# Does the reward rise? GRPO and EGPO on the embedded model

Written by `python -m trainer.recipes.rl run` from its own runs. All methods start from `{about["model"]}` (4.4 million
parameters if it is the embedded model) and take {about["steps"]} steps of {about["batch"]} questions; GRPO and EGPO
sample {about["group"]} replies to each at temperature {about["temperature"]:g}, learning rate
{about["learning_rate"]:g}. SRML samples as many of each question in {about["rounds"]} rounds and learns one that a
scripted judge passes, by MSL. It shows what happens at this size, and nothing about 7B models.

{_unfinished(numbers)}

## Leaderboard

Greedy accuracy on {numbers["scores"]["start"]["n"]} held-out questions in percent, mean over seeds with its 95 %
interval (Student's t).

{_leaderboard(numbers)}

What was published, on other models and other questions:

{_published()}

## Questions, chosen by the probe

`trainer rl --probe {about["probed"]}` before training, level {about["level"]}:

```
{probe.text(numbers["probe"])}
```

{numbers["kept"]} questions with pass rates from {about["low"]:g} to {about["high"]:g} were trained on.

## Reward while training

![GRPO](grpo.svg) ![EGPO](egpo.svg)

Mean reward of the first and of the last third of the steps; replies are sampled, and each step asks other questions.

{_rewards(numbers)}

{_refining(numbers)}

## Held-out questions, greedy

Names of functions and parameters occur in no training. 95 % Wilson interval over items.

{_scores(numbers)}

## Differences

Percentage points; intervals over seeds (Student's t) and over items with their seeds as clusters (bootstrap).

{_differences(numbers)}

{_verdict(numbers)}
"""


def _leaderboard(numbers: Numbers) -> str:
    rows = [
        [
            TITLES[name],
            each["seeds"] if name != "start" else "",
            f"{100 * each['mean']:.1f}",
            _percent(each["over_seeds"]),
        ]
        for name, each in numbers["methods"].items()
    ]
    return tabulate(rows, ["method", "seeds", "percent", "95 %"], "github", disable_numparse=True)


def _percent(interval: Sequence[float] | None) -> str:
    return f"{100 * interval[0]:.1f}-{100 * interval[1]:.1f}" if interval else ""


def _published() -> str:
    (paper,) = [each for each in views.load_published("funreason") if each.title.startswith("EGPO")]
    columns = next(iter(paper.rows.values()))
    rows = [[model, *(f"{100 * value:.2f}" for value in row.values())] for model, row in paper.rows.items()]
    view = views.load_view("funreason")
    table = tabulate(rows, ["model", *(view.title_of(name) for name in columns)], "github", disable_numparse=True)
    return f"{paper.title}.\n\n{table}"


def _refining(numbers: Numbers) -> str:
    rows = [
        [name, each["round"], each["candidates"], each["kept"], each["trained_on"]]
        for name, rounds in numbers["rounds"].items()
        for each in rounds
    ]
    if not rows:
        return ""
    head = ["run", "round", "readable replies", "passed by the judge", "questions with one that trains"]
    return f"Self-refinement asks all {numbers['kept']} questions in each round:\n\n" + tabulate(rows, head, "github")


def _unfinished(numbers: Numbers) -> str:
    left = numbers["unfinished"]
    return f"**Not finished when this was written: {', '.join(left)}.**" if left else "All runs are finished."


def _rewards(numbers: Numbers) -> str:
    rows = []
    for name, found in numbers["training"].items():
        values = [value for _, value in found["reward"]]
        third = max(1, len(values) // 3)
        entropy, kl = found["entropy/wrong"], found["kl"]
        dead = [fmean(value for _, value in found[f"dead/all_{side}"]) for side in ("right", "wrong")]
        first, last = fmean(values[:third]), fmean(values[-third:])
        rows.append(
            [name, len(values), f"{first:.3f}", f"{last:.3f}", f"{last - first:+.3f}", f"{dead[0]:.0%} / {dead[1]:.0%}"]
            + [f"{fmean(v for _, v in part[-third:]):.3f}" if part else "" for part in (entropy, kl)]
        )
    head = ["run", "steps", "first third", "last third", "rise", "dead right / wrong", "H of wrong, end", "KL, end"]
    return tabulate(rows, head, "github", disable_numparse=True)


def _scores(numbers: Numbers) -> str:
    rows = [
        [
            name,
            f"{each['passed']}/{each['n']}",
            f"{100 * each['value']:.1f}",
            f"{100 * each['low']:.1f}-{100 * each['high']:.1f}",
        ]
        for name, each in numbers["scores"].items()
    ]
    return tabulate(rows, ["model", "right", "percent", "95 %"], "github", disable_numparse=True)


def _differences(numbers: Numbers) -> str:
    rows = []
    for name, found in numbers["differences"].items():
        seeds = ", ".join(f"{100 * each['difference']:+.1f}" for each in found["seeds"])
        spans = [_span(found["over_seeds"]), _span(found["over_items"])]
        rows.append([name.replace("-", " - "), seeds, f"{100 * found['mean']:+.1f}", *spans, f"{found['p']:.3f}"])
    return tabulate(rows, ["", "seeds", "mean", "over seeds", "over items", "p"], "github", disable_numparse=True)


def _span(interval: Sequence[float] | None) -> str:
    return f"{100 * interval[0]:+.1f} to {100 * interval[1]:+.1f}" if interval else "one seed"


def _verdict(numbers: Numbers) -> str:
    lines = ["## What it shows", ""]
    for method in ("grpo", "egpo"):
        rises = [_rise(found["reward"]) for _, found in _trained(numbers, method)]
        if rises:
            up = sum(rise > 0 for rise in rises)
            span = over(rises)
            clear = span is not None and span[0] > 0
            lines.append(
                f"- Reward of {TITLES[method]} rises in {up} of {len(rises)} runs, by {fmean(rises):+.3f} in the mean"
                f"{'' if span is None else f' ({span[0]:+.3f} to {span[1]:+.3f} over seeds)'}: "
                f"{'a rise' if clear else 'no rise beyond noise'}."
            )
    pairs = {
        seed: _rise(found["reward"]) - _rise(other["reward"])
        for name, found in _trained(numbers, "egpo")
        if (other := numbers["training"].get(f"grpo-{(seed := name.partition('-')[2])}"))
    }
    if span := over(list(pairs.values())):
        words = "a difference beyond noise" if span[0] * span[1] > 0 else "no difference beyond noise"
        gain = f"{fmean(pairs.values()):+.3f} ({span[0]:+.3f} to {span[1]:+.3f} over seeds)"
        lines.append(f"- EGPO's rise of reward minus GRPO's: {gain}, {words}.")
    for name, found in numbers["differences"].items():
        spans = (found["over_seeds"], found["over_items"])
        beyond = all(span is not None and span[0] * span[1] > 0 for span in spans)
        mine, other = (TITLES[part] for part in name.split("-"))
        words = "a difference beyond noise" if beyond else "no difference beyond noise"
        words = words if found["over_seeds"] else "of one seed"
        gain = f"{100 * found['mean']:+.1f} points of greedy accuracy on held-out questions"
        lines.append(f"- {mine} against {other}: {gain}, {words}.")
    return "\n".join(lines)


def _rise(points: Sequence[Sequence[float]]) -> float:
    """Mean of the last third of the steps minus that of the first."""
    values = [value for _, value in points]
    third = max(1, len(values) // 3)
    return fmean(values[-third:]) - fmean(values[:third])
