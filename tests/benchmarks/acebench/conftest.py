"""The services' initial states from the shared copies, and sources of our own in the place of the official ones."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from harness.benchmarks.acebench import data, texts
from harness.data import datasets

NUMBERED = (("MessageApi", "inbox"), ("ReminderApi", "reminder_list"))
"""Attributes whose keys are whole numbers; JSON made them texts."""


@pytest.fixture(scope="session")
def states(shared_data):
    """Language -> class -> initial attributes."""
    found = json.loads(gzip.decompress((shared_data / "acebench" / "environment_state.json.gz").read_bytes()))
    for classes in found.values():
        for name, attribute in NUMBERED:
            classes[name][attribute] = {int(key): value for key, value in classes[name][attribute].items()}
    return found


FILLED = {
    "system_normal": "time {time} functions {function}",
    "system_preference": "profile {profile} functions {function}",
    "system_special": "special: time {time} functions {function}",
    "question": "asked: {question}",
    "step_user": "functions {functions} so far\n{history}",
    "turn_user": "functions {functions} so far\n{history}",
    "user_phone": "Play this person: {instruction}",
    "user_travel": "Play this traveller: {instruction}",
}
"""Stand-ins for the official templates, with the values that each takes."""
GAPS = {
    2: ("bad_quantity", "no_product", "ordered", "booked", "refunded_less_fee"),
    1: (
        *("sent", "deleted", "latest", "earliest", "no_reminder_titled", "reminder_added", "reminder_deleted"),
        *("reminder_notified", "already_logged_in", "food_logged_in", "food_logged_out", "no_merchant_named"),
        *("cabin_paid", "cabin_refunded", "baggage_paid", "refunded_by_airline", "refunded"),
    ),
}
"""Result texts with values."""


def stand_in_text(name, language):
    """A text of our own in the place of an official one."""
    if name in FILLED:
        return f"<{language}> {FILLED[name]}"
    gaps = next((count for count, names in GAPS.items() if name in names), 0)
    return f"<{language}> {name}" + " {}" * gaps


def write_sources(folder, states):
    """Sources of our own that are laid out like the official ones; returns the texts' digests."""
    names = json.loads((Path(texts.__file__).parent / "texts.json").read_text())
    digests, lines = {}, {"en": [], "zh": []}
    for name in names:
        digests[name] = []
        for language in data.LANGUAGES:
            text = stand_in_text(name, language)
            digests[name].append(hashlib.sha256(text.encode()).hexdigest()[:12])
            is_template = "{}" in text
            lines[language].append(f"f{text.replace('{}', '{x}')!r}" if is_template else repr(text))
    root = folder / "model_inference"
    root.mkdir(parents=True)
    for language in data.LANGUAGES:
        (root / f"prompt_{language}.py").write_text(
            "\n".join(f"T{n} = {text}" for n, text in enumerate(lines[language]))
        )
        for name, file in texts.SERVICES.items():
            path = root / "multi_turn" / f"scenarios{language}" / f"{file}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            values = "".join(f"        self.{key}: dict = {value!r}\n" for key, value in states[language][name].items())
            path.write_text(f"import nothing\n\nclass {name}:\n    def __init__(self):\n{values}\n{STRAY}")
    return digests


STRAY = "raise SystemExit('these sources are never executed')\n"


@pytest.fixture(scope="module")
def stand_in_sources(tmp_path_factory, acebench_data, states):
    """Sources of our own where the official ones would be: everything that asks needs them."""
    folder = tmp_path_factory.mktemp("sources")
    digests = write_sources(folder, states)
    official = datasets.path
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts.datasets, "path", lambda name: folder if name == texts.SOURCES else official(name))
        patch.setattr(texts, "_digests", lambda: digests)
        patch.setattr(datasets, "verify", lambda name: 1)
        for cached in (texts._texts, texts.states):
            cached.cache_clear()
        yield folder
    for cached in (texts._texts, texts.states):
        cached.cache_clear()
