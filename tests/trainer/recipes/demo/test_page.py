"""Sentences of the page follow from the numbers."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from tests.trainer.recipes.demo.test_numbers import passed
from trainer.recipes.demo import experiment, numbers, page, parts, refining


@pytest.mark.parametrize(
    ("over", "q", "mean", "word"),
    [
        ([0.01, 0.03], 0.01, 0.02, "higher"),
        ([-0.03, -0.01], 0.01, -0.02, "lower"),
        ([-0.01, 0.03], 0.01, 0.01, "noise"),
        ([0.01, 0.03], 0.06, 0.02, "noise"),
        (None, 0.01, 0.02, "higher"),
    ],
)
def test_a_difference_is_one_beyond_both_kinds_of_noise(over, q, mean, word):
    assert page._judgement({"over_seeds": over, "mean": mean}, q) == word


def results(settings, finished=3, data_on="some"):
    """Numbers of an experiment in which MSL with alpha 0.3 is better than SFT and the rest is as good."""
    shares = {"msl-0.3": 0.9}
    counts = {
        "stages": {name: {"asked": 9, "wrong": 4, "refused": 5, "hits": 3} for name in refining.REFUSED_BY},
        "kinds": {"clean": {"kept": 5, "dropped": 2, "hard": 2}},
        "counts": {"raw": 9, "raw_good": 5, "kept": 5, "kept_good": 4, "good_lost": 1, "repaired": 1, "stale": 1}
        | {"unjudged": 0},
    }
    training = {"steps": 2, "records": 3, "reply_tokens_seen": 4, "tokens": {"think": 7, "result": 2}, "alpha": 0.4}
    about = {
        "experiment": asdict(settings) | {"weights": "m" * 64},
        "code": {"git": "c" * 40},
        "machine": {"cores": 2, "cpu": "some"},
        "steps": {"one": {"started": 0.0, "ended": 90.0, "cpu_seconds": 120.0}},
    }

    def model(name):
        share = shares.get(name.rpartition("-")[0], 0.5)
        items = {metric: passed(share, seed=5) for metric in parts.METRICS if metric not in ("texts", "chat")}
        grades = {metric: [0.2, 0.3, 0.35] for metric in ("texts", "chat") if not settings.probe}
        trained = {"training": training | {"start_sha256": "b" * 64}}
        return about | {"items": items | grades, "without_call": 0.125} | trained

    found = {name: model(name) for name in experiment.base_models(settings)}
    for seed in range(1, finished + 1):
        found |= {name: model(name) for name in experiment.seed_models(settings, seed)}
        machine = {"machine": {"cores": 2, "cpu": data_on}}
        found[f"data-{seed}"] = about | {"refinement": counts, "judged": counts} | machine
    return numbers.gather(settings, found)


def test_the_page_names_every_machine_that_measured():
    one, two = (" ".join(page.page(results(experiment.Settings(), data_on=cpu)).split()) for cpu in ("some", "other"))
    assert "minutes on 2 cores (some) that" in one
    assert "minutes on 2 cores (other) and 2 cores (some) that" in two


def test_the_page_says_what_the_numbers_say():
    text = page.page(results(experiment.Settings()))
    (against_sft,) = (line for line in text.splitlines() if line.startswith("- exact against SFT"))
    assert "MSL, alpha 0.3 is higher (+" in against_sft
    assert against_sft.endswith("the others show no difference beyond noise.")
    assert "SRML, one round is" not in text
    assert "80.0% of the 15 kept (precision)" in text
    assert "3.5 think tokens a result token" in text
    assert "One seed says nothing" not in text
    assert all(len(line.split("|")) == len(text_head.split("|")) for text_head, line in table_lines(text))


def test_an_unfinished_experiment_says_so():
    text = page.page(results(experiment.sizes("another", quick=False), finished=1))
    assert "**Not finished**: `sft-2`" in text
    assert "| texts (n 3) | loss |" in text
    assert "One seed says nothing" in text
    assert "trained from `another`" in text
    assert "| BFCL (100) | 12 | 20 |" in text


def table_lines(text):
    head = None
    for line in text.splitlines():
        if line.startswith("|"):
            head = head or line
            yield head, line
        else:
            head = None
