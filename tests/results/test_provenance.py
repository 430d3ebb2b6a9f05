from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import pytest

from harness import machine, plugins
from harness.results import provenance
from harness.types import MachineInfo

SOURCE = '''"""Doc."""
LIMIT = 3  # why


class Checker:
    """What."""

    field: int = 0
    """About the field."""

    def check(self, text):
        """Judge."""
        return text == "a" * LIMIT
'''


def digest(path: Path, name: str = "checker_under_test") -> str:
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    provenance._sources_sha256.cache_clear()
    try:
        return provenance.checker_sha256(module)
    finally:
        del sys.modules[name]


def test_imports_do_not_count(tmp_path: Path) -> None:
    source = SOURCE.replace('"""Judge."""', "from old.place import rule")
    (tmp_path / "checker.py").write_text(source)
    before = digest(tmp_path / "checker.py")
    moved = source.replace("from old.place", "from new.room").replace("LIMIT =", "import json\n\nLIMIT =")
    (tmp_path / "checker.py").write_text(moved)
    assert digest(tmp_path / "checker.py") == before


def test_a_module_of_imports_alone_has_a_digest(tmp_path: Path) -> None:
    (tmp_path / "checker.py").write_text("try:\n    import json\nexcept ImportError:\n    import old as json\n")
    assert len(digest(tmp_path / "checker.py")) == 64


def test_comments_docstrings_and_layout_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "checker.py").write_text(SOURCE)
    before = digest(tmp_path / "checker.py")
    other = SOURCE.replace("# why", "# for another reason").replace("Judge.", "Decide.").replace("field.", "thing.")
    (tmp_path / "checker.py").write_text(other.replace("\n\n\n", "\n").replace('"a"', "'a'"))
    assert digest(tmp_path / "checker.py") == before


@pytest.mark.parametrize(("old", "new"), [("LIMIT = 3", "LIMIT = 4"), ('"a"', '"b"'), ("def check", "def judge")])
def test_behaviour_counts(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / "checker.py").write_text(SOURCE)
    before = digest(tmp_path / "checker.py")
    (tmp_path / "checker.py").write_text(SOURCE.replace(old, new))
    assert digest(tmp_path / "checker.py") != before


def test_a_package_counts_with_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "rules.py").write_text(SOURCE)
    seen = {digest(tmp_path / "__init__.py")}
    (tmp_path / "deep" / "table.json").write_text("{}")
    seen.add(digest(tmp_path / "__init__.py"))
    (tmp_path / "deep" / "rules.py").rename(tmp_path / "rules.py")
    seen.add(digest(tmp_path / "__init__.py"))
    assert len(seen) == 3
    (tmp_path / "rules.cpython-311.pyc").write_bytes(b"x")
    assert digest(tmp_path / "__init__.py") in seen


def test_every_benchmark_has_a_digest_of_its_own() -> None:
    names = plugins.names("benchmarks")
    digests = {provenance.checker_sha256(plugins.load("benchmarks", name)) for name in names}
    assert len(digests) == len(names)


@pytest.mark.parametrize("name", provenance.EARLIER_CHECKERS)
def test_an_earlier_checker_that_judges_alike_counts_as_the_installed_one(name: str) -> None:
    installed = provenance.checker_sha256(plugins.load("benchmarks", name))
    earlier = provenance.EARLIER_CHECKERS[name]
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in earlier)
    assert {provenance.current_checker(name, each) for each in earlier} <= {installed}
    for other in ("c" * 64, installed, None):
        assert provenance.current_checker(name, other) == other
        assert provenance.current_checker("another", earlier[0]) == earlier[0]


def test_an_earlier_checker_stays_where_its_benchmark_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(provenance.EARLIER_CHECKERS, "elsewhere", ("a" * 64,))  # type: ignore[arg-type]
    assert provenance.current_checker("elsewhere", "a" * 64) == "a" * 64


def test_code_and_machine_are_json_values() -> None:
    assert provenance.code().harness
    assert provenance.code().packages["mpmath"]
    assert MachineInfo(**machine.description()).cores == machine.cores()
    json.dumps([asdict(provenance.code()), machine.description()])


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert provenance.digest({"a": 1, "b": [2]}) == provenance.digest({"b": [2], "a": 1}) != provenance.digest({"a": 1})
