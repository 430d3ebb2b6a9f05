from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness import machine, plugins
from harness.results import provenance

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


def test_code_and_machine_are_json_values() -> None:
    assert provenance.code()["harness"]
    assert provenance.code()["packages"]["mpmath"]
    assert machine.description()["cores"] >= 1
    assert len(provenance.digest([provenance.code(), machine.description()])) == 64


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert provenance.digest({"a": 1, "b": [2]}) == provenance.digest({"b": [2], "a": 1}) != provenance.digest({"a": 1})
