"""The services' initial states, from the shared copies."""

import gzip
import json

import pytest

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
