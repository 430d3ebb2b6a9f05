"""The page's sections on data and training: refinement against the truth, self-refinement, what was trained on what."""

from __future__ import annotations

from statistics import fmean

from trainer.recipes.demo.judge import NO_TO_RIGHT, YES_TO_WRONG
from trainer.recipes.demo.source import SHARES
from trainer.recipes.demo.words import LABELS, Numbers, ratio, seeded, table


def refinement(numbers: Numbers) -> str:
    """What the stages made of the records, and what self-refinement made of base's answers."""
    if not (found := numbers["refinement"]):
        return ""
    counts, n = found["counts"], found["counts"]["raw"]
    shares = ", ".join(f"{kind} {share:.0%}" for kind, share in SHARES.items())
    stages = [
        [
            f"{number} {stage}",
            str(one["asked"]),
            str(one["wrong"]),
            str(one["refused"]),
            ratio(one["hits"], one["refused"]),
            ratio(one["hits"], one["wrong"]),
        ]
        for number, (stage, one) in enumerate(found["stages"].items(), 1)
    ]
    kinds = [
        [kind, str(sum(one.values())), *(str(one[outcome]) for outcome in ("kept", "dropped", "hard"))]
        for kind, one in sorted(found["kinds"].items())
    ]
    rounds = [
        [name.rpartition("-")[2], *(str(one[key]) for key in ("source", "candidates", "kept", "dropped", "hard"))]
        for name, one in numbers["rounds"].items()
    ]
    head = ["seed", "asked", "readable answers", "kept", "dropped", "hard"]
    loop = f"The round of self-refinement:\n\n{table(head, rounds)}" if rounds else "Self-refinement was not run."
    kept_good = counts["raw_good"] - counts["good_lost"]
    return f"""## Refinement against the truth

The judge is a script that knows the truth and errs on purpose: at each question it accepts {YES_TO_WRONG:.0%} of what
is wrong and refuses {NO_TO_RIGHT:.0%} of what is right, decided by a digest. These numbers say what the five stages
make of such a judge, not what a language model would decide. Records: {shares}, the rest clean.

Good records (right answer, reasoning that leads to it) are {ratio(counts["raw_good"], n)} of the {n} before and
{ratio(counts["kept_good"], counts["kept"])} of the {counts["kept"]} kept (precision);
{ratio(kept_good, counts["raw_good"])} of the good ones were kept (recall). {counts["repaired"]} of the kept answers
were repaired. Beside {counts["stale"]} right answers kept stands reasoning that leads elsewhere: FCDR judges the
reasoning before it repairs the answer.

{table(["stage", "asked", "to refuse", "refused", "precision", "recall"], stages)}

{table(["kind", "records", "kept", "dropped", "hard"], kinds)}

{_by_base(numbers)}{loop}"""


def _by_base(numbers: Numbers) -> str:
    """The same with base as the judge, on a few records."""
    if not numbers["judged"]:
        return ""
    counts = numbers["judged"]["counts"]
    asked = sum(one["asked"] for one in numbers["judged"]["stages"].values())
    read = f"{counts['kept']} of them kept, {ratio(counts['kept_good'], counts['kept'])} of these good"
    return f"""A language model of this size as the judge, base itself, for what it is: of
{counts["raw"] + counts["unjudged"]} records {counts["unjudged"]} stay unjudged, because base's verdict cannot be read;
{asked} of its verdicts could be. {counts["raw"]} are judged, {read}.

"""


def training(numbers: Numbers) -> str:
    """How long each model was trained, on what."""
    if not (first := next(iter(_trainings(numbers, "sft")), None)):
        return ""
    rows = []
    for method in ("base", *numbers["experiment"]["methods"]):
        if not (found := _trainings(numbers, method)):
            continue
        before = list(numbers["warm"].values()) if method == "srml" else []
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
    about, tokens = numbers["experiment"], first["tokens"]
    commits = ", ".join(commit[:12] for commit in numbers["code"])
    return f"""## Training

{tokens["think"] / tokens["result"]:.1f} think tokens a result token (the paper's data: 11 to 1). SRML: the first
steps by MSL with alpha 0.5; its answers to the source questions, refined without repairs, train the others.

{table(["model", "steps", "records", "reply tokens seen", "alpha at the end"], rows)}

Weights of `{about["model"]}` {about["weights"][:12]}, of base {first["start_sha256"][:12]}; commit {commits}."""


def _trainings(numbers: Numbers, method: str) -> list[Numbers]:
    """Of a method, by seed."""
    names = (method, *seeded(numbers, method))
    return [one for name, one in numbers["training"].items() if name in names]
