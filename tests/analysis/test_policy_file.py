"""Whatever a policy file holds, it is read as what it says, or refused with its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.policy import load, parse
from harness.analysis.policy_file import number, read
from harness.errors import UsageProblem

YAMLISH = st.text(st.sampled_from(list("abm: \n-{}[]&*<>!|'\"#?,.%0159e_~\t\u00e9\ufeff")), max_size=60)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
SECTIONS = st.sampled_from(
    ["minimum", "max_drop", "limits", "pass_at", "confidence", "on_inconclusive", "anchor", "update", "x-mine", "other"]
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("policies") / "gate.yaml"


def tried(action: Callable[[], Any]) -> tuple[Any, str]:
    """What comes of it, or how it is refused."""
    try:
        return action(), ""
    except UsageProblem as problem:
        return None, str(problem)


@given(text=YAMLISH)
def test_any_text_is_a_map_or_refused(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    found, problem = tried(lambda: read(path))
    assert isinstance(found, dict) or str(path) in problem


@given(document=st.dictionaries(SECTIONS, VALUES))
def test_any_document_is_a_policy_or_refused(document: dict[str, Any]) -> None:
    found, problem = tried(lambda: parse(document, "gate.yaml"))
    assert found or "gate.yaml" in problem
    assert found is None or all(rule.value >= 0 and 0.5 <= rule.confidence < 1 for rule in found.rules)


@given(values=st.dictionaries(st.sampled_from(["multiple", "parallel", "irrelevance"]), st.floats(0, 1), min_size=1))
def test_what_is_written_is_what_is_read(path: Path, values: dict[str, float]) -> None:
    path.write_text(json.dumps({"minimum": values}))
    assert {rule.name: rule.value for rule in load(path, {}, {}).rules} == values


@given(st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.booleans(), st.none()))
def test_any_value_is_a_number_within_limits_or_refused(value: Any) -> None:
    found, problem = tried(lambda: number(value, 0, 1, "here"))
    assert "here" in problem if found is None else 0 <= found <= 1


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_bytes(b"\xff\xfe\x00minimum")
    with pytest.raises(UsageProblem, match=r"gate\.yaml"):
        read(tmp_path / "gate.yaml")
