import pytest

from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.benchmark import FAMILIES, PLUGIN, family_of, leaves


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_exports_what_it_is_asked_for(name: str) -> None:
    module = family_of(FAMILIES[name][0])
    assert module.__name__.rpartition(".")[2] == name
    assert tuple(module.CATEGORIES) == FAMILIES[name]
    assert all(callable(getattr(module, part)) for part in ("samples", "play", "check", "judge"))


def test_every_category_has_one_family() -> None:
    listed = [category for categories in FAMILIES.values() for category in categories]
    assert len(listed) == len(set(listed)) == len(leaves())


@pytest.mark.usefixtures("bfcl_data")
def test_samples_come_in_the_official_order_whatever_is_asked_first() -> None:
    samples = list(PLUGIN.load(["live_relevance", "multiple", "live_relevance"]))
    assert [sample.category for sample in samples] == ["multiple"] * 200 + ["live_relevance"] * 16
    assert PLUGIN.data_sha256().startswith("3bb6dfa5f0c6")
    assert list(data.COLLECTIONS["all"])[: len(data.SINGLE_TURN)] == list(leaves())[: len(data.SINGLE_TURN)]
