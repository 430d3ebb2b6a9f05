"""Closed forms: token losses are chosen so that every result can be worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from harness.errors import UsageProblem
from trainer import losses
from trainer.losses import RESULT, THINK, LossSettings, Parts, Totals
from trainer.losses.regions import MEANS, Labels, totals

# Two records: the first with think losses 1, 2, 3 and result loss 10; the second with think 5 and results 20, 40.
REGIONS = torch.tensor([THINK, THINK, THINK, RESULT, THINK, RESULT, RESULT])
SAMPLES = torch.tensor([0, 0, 0, 0, 1, 1, 1])
LOSSES = torch.tensor([1.0, 2.0, 3.0, 10.0, 5.0, 20.0, 40.0])
LABELS = Labels(REGIONS, SAMPLES, torch.ones(7))


def _loss(name: str, labels: Labels = LABELS, values: torch.Tensor = LOSSES, **settings) -> float:
    loss = losses.load(name, LossSettings(**settings))
    counted = Totals(*totals(labels).tolist())
    think, result = MEANS[loss.mean](labels, counted)
    alpha = loss.alpha(counted)
    return float((alpha * (think * values).sum()) + (1 - alpha) * (result * values).sum())


def test_sft_is_the_token_mean():
    assert _loss("sft") == pytest.approx(81 / 7)


@pytest.mark.parametrize(
    ("mean", "alpha", "expected"),
    [
        ("batch", 0.5, 0.5 * 11 / 4 + 0.5 * 70 / 3),
        ("batch", 1.0, 11 / 4),
        ("sample", 0.5, 0.5 * (2 + 5) / 2 + 0.5 * (10 + 30) / 2),
        ("sample", 0.3, 0.3 * 3.5 + 0.7 * 20),
        ("sample", 0.0, 20.0),
    ],
)
@pytest.mark.parametrize("name", ["msl", "ssb"])
def test_multiscale_loss_in_closed_form(name, mean, alpha, expected):
    if name == "ssb" and alpha in (0, 1):
        pytest.skip("alpha is learnt inside its bounds")
    assert _loss(name, alpha=alpha, mean=mean) == pytest.approx(expected)


def test_alpha_of_the_token_share_makes_msl_plain_sft():
    assert _loss("msl", alpha=4 / 7, mean="batch") == pytest.approx(_loss("sft"))


@pytest.mark.parametrize(
    ("name", "mean", "expected"),
    [
        ("sft", "batch", (16 + 0.25 * 65) / (4 + 0.25 * 3)),
        ("msl", "batch", 0.5 * (6 + 0.25 * 5) / 3.25 + 0.5 * (10 + 0.25 * 60) / 1.5),
        ("msl", "sample", 0.5 * (2 + 0.25 * 5) / 1.25 + 0.5 * (10 + 0.25 * 30) / 1.25),
    ],
)
def test_a_record_of_a_quarter_of_the_weight_is_a_quarter_of_a_record(name, mean, expected):
    weighted = LABELS._replace(weights=torch.tensor([1.0, 1.0, 1.0, 1.0, 0.25, 0.25, 0.25]))
    assert _loss(name, weighted, alpha=0.5, mean=mean) == pytest.approx(expected)


@pytest.mark.parametrize("mean", ["sample", "batch"])
@pytest.mark.parametrize("alpha", [0.2, 0.8])
@pytest.mark.parametrize("region", [THINK, RESULT])
def test_without_one_region_the_other_has_the_whole_weight(mean, alpha, region):
    labels = Labels(torch.full((3,), region), torch.tensor([0, 0, 1]), torch.ones(3))
    values = torch.tensor([1.0, 3.0, 7.0])
    expected = {"sample": (2 + 7) / 2, "batch": 11 / 3}[mean]
    assert _loss("msl", labels, values, alpha=alpha, mean=mean) == pytest.approx(expected)


def test_a_record_without_thinking_counts_as_much_as_one_with():
    labels = Labels(torch.tensor([THINK, RESULT, RESULT, RESULT]), torch.tensor([0, 0, 1, 1]), torch.ones(4))
    values = torch.tensor([4.0, 8.0, 1.0, 3.0])
    assert _loss("msl", labels, values, alpha=0.25) == pytest.approx(((0.25 * 4 + 0.75 * 8) + 2) / 2)


@pytest.mark.parametrize("name", ["sft", "msl", "ssb"])
def test_a_step_without_scored_tokens_is_zero(name):
    nothing = torch.zeros(0, dtype=torch.long)
    assert _loss(name, Labels(nothing, nothing, torch.ones(0)), torch.zeros(0)) == 0


@pytest.mark.parametrize("pull", [0.0, 0.7])
def test_alpha_moves_as_autograd_says(pull):
    settings = LossSettings(alpha=0.4, alpha_lr=0.5, alpha_pull=pull, alpha_min=0.2, alpha_max=0.7)
    ours = losses.load("ssb", settings)
    logit = torch.tensor(
        math.log(0.4 / 0.6), dtype=torch.float64, requires_grad=True
    )  # (0.4 - 0.2) / (0.7 - 0.2) = 0.4
    for think, result in ((2.0, 0.5), (1.0, 3.0), (0.3, 0.2)):
        alpha = 0.2 + 0.5 * torch.sigmoid(logit)
        theirs = alpha * think + (1 - alpha) * result + pull * (alpha - 0.4) ** 2
        (slope,) = torch.autograd.grad(theirs, logit)
        assert ours.alpha(Totals(1, 1, 1)) == pytest.approx(alpha.item(), abs=1e-12)
        ours.learn(Parts(think, result))
        logit = (logit - 0.5 * slope).detach().requires_grad_()
    assert ours.alpha(Totals(1, 1, 1)) == pytest.approx(0.2 + 0.5 * torch.sigmoid(logit).item(), abs=1e-12)


def test_alpha_falls_while_thinking_is_harder_and_stays_inside_its_bounds():
    loss = losses.load("ssb", LossSettings(alpha_lr=5.0))
    before = loss.alpha(Totals(1, 1, 1))
    for _ in range(500):
        loss.learn(Parts(3.0, 0.1))
    assert 0.1 <= loss.alpha(Totals(1, 1, 1)) < before


def test_the_pull_holds_alpha_where_descent_alone_would_run_to_the_bound():
    alphas = []
    for pull in (0.0, 5.0):
        loss = losses.load("ssb", LossSettings(alpha_lr=1.0, alpha_pull=pull))
        for _ in range(2000):
            loss.learn(Parts(1.0, 0.5))
        alphas.append(loss.alpha(Totals(1, 1, 1)))
    assert alphas[0] < 0.15
    assert alphas[1] == pytest.approx(0.45, abs=1e-3)  # where 0.5 + 2 * 5 * (alpha - 0.5) = 0


def test_a_restored_loss_goes_on_with_its_alpha():
    one = losses.load("ssb", LossSettings())
    one.learn(Parts(2.0, 1.0))
    other = losses.load("ssb", LossSettings())
    other.restore(one.state())
    assert other.alpha(Totals(1, 1, 1)) == one.alpha(Totals(1, 1, 1))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("msl", {"alpha": 1.5}, "alpha"),
        ("msl", {"mean": "tokn"}, "mean"),
        ("ssb", {"alpha": 0.05}, "alpha-min"),
        ("ssb", {"alpha_max": 1.2}, "between 0 and 1"),
        ("mls", {}, "Did you mean msl"),
    ],
)
def test_wrong_settings_are_refused_with_a_reason(name, settings, message):
    with pytest.raises(UsageProblem, match=message):
        losses.load(name, LossSettings(**settings))
