"""Curves as pictures: numbers only, and nothing from outside."""

from __future__ import annotations

import json

from trainer.rl.page import curve, smooth, write

LINES = [
    {"step": 1, "loss": 0.1, "reward": 0.25, "dead/all_wrong": 0.5, "dead/all_right": 0.0, "seconds/update": 2.0},
    {"step": 2, "loss": 0.0, "reward": 0.75, "dead/all_wrong": 0.0, "dead/all_right": 0.5, "seconds/update": 3.0},
    {"step": 2, "eval/examples": 0.4, "eval/examples/n": 50},
]


def test_a_page_holds_the_log_and_loads_nothing(tmp_path):
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    text = write(tmp_path).read_text()
    assert "reward 0.75" in text
    assert "eval/examples 0.4" in text
    assert "KL from the start" not in text, "nothing was logged of it"
    assert "Dead groups" in text
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_a_moving_mean_and_what_is_not_a_number():
    assert smooth([(1, 1.0), (2, 3.0), (3, 5.0)], 2) == [(1, 1.0), (2, 2.0), (3, 4.0)]
    assert curve([{"step": 1, "kl": float("nan")}, {"step": 2, "kl": None}, {"step": 3, "kl": 1}], "kl") == [(3.0, 1.0)]
