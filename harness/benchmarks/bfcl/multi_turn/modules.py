"""The environment modules of the pinned wheel, run in private namespaces without installing the package.

`load("gorilla_file_system").GorillaFileSystem` is the class a multi-turn item is played in. The files are pinned by
sha256 (`harness.data.datasets`), and nothing but the module that is asked for, and what it imports, is executed. Some
of its imports are replaced: the clock stands still in UTC, so that the same calls give the same results on every
machine and day; plain data is copied without `copy.deepcopy`'s bookkeeping; and the package's own `utils`, which would
create folders, is never touched. Upstream: `bfcl_eval/eval_checker/multi_turn_eval/func_source_code/`.
"""

from __future__ import annotations
import __future__

import builtins
import copy
import datetime
import importlib
import threading
import typing
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from harness.benchmarks.bfcl.data import package

_ATOMS = frozenset({str, int, float, bool, type(None)})
_PREFIX = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code."


class FrozenDatetime(datetime.datetime):
    """A clock that stands still, in UTC, on the day the package was published."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> FrozenDatetime:
        """Always the same moment."""
        return cls(2026, 3, 23)

    today = now

    @classmethod
    def fromtimestamp(cls, timestamp: float, tz: datetime.tzinfo | None = None) -> FrozenDatetime:
        """The naive UTC time of a time stamp."""
        return super().fromtimestamp(timestamp, datetime.UTC).replace(tzinfo=None)

    def timestamp(self) -> float:
        """Seconds since the epoch, a naive time being UTC."""
        return datetime.datetime.timestamp(self.replace(tzinfo=datetime.UTC))


def plain_copy(value: Any) -> Any:
    """A deep copy, several times faster than `copy.deepcopy` on JSON data."""
    kind = type(value)
    if kind is dict:
        return {key: item if type(item) in _ATOMS else plain_copy(item) for key, item in value.items()}
    if kind is list:
        return [item if type(item) in _ATOMS else plain_copy(item) for item in value]
    return value if kind in _ATOMS else copy.deepcopy(value)


# One module twice would be two classes of one name, and the methods of one do not know the instances of the other.
_LOADING = threading.RLock()

_REPLACED: dict[str, Any] = {
    "copy": SimpleNamespace(deepcopy=plain_copy),
    "datetime": SimpleNamespace(datetime=FrozenDatetime, time=datetime.time, timedelta=datetime.timedelta),
    "subprocess": SimpleNamespace(),  # imported and never used
    "overrides": typing,  # only `final`
    "bfcl_eval.utils": SimpleNamespace(
        get_directory_structure_by_id=None, is_first_memory_prereq_entry=None, is_memory_prereq=None
    ),
}


def load(name: str) -> ModuleType:
    """Run one environment module.

    Args:
        name: File name without its ending.

    Returns:
        The module, shared by the whole process: its tables are read-only by agreement.

    Raises:
        DataError: The data set is missing or damaged.
        ImportError: A package that the module needs is not installed.
    """
    with _LOADING:
        return _loaded(name)


@cache
def _loaded(name: str) -> ModuleType:
    file = package() / "eval_checker" / "multi_turn_eval" / "func_source_code" / f"{name}.py"
    # Annotations are kept as text: evaluating them is most of the time that a class body takes.
    code = compile(file.read_bytes(), str(file), "exec", __future__.annotations.compiler_flag, dont_inherit=True)
    module = ModuleType(f"{__name__}.{name}")
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
    exec(code, module.__dict__)  # noqa: S102  # pinned by sha256
    return module


def _import(name: str, namespace: Any = None, local: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    if name in _REPLACED:
        return _REPLACED[name]
    if name == "serpapi":
        from harness.benchmarks.bfcl.agentic.search import Search

        return SimpleNamespace(GoogleSearch=Search)
    if name == "sentence_transformers":
        from harness.benchmarks.bfcl.agentic.encoder import Encoder

        return SimpleNamespace(SentenceTransformer=Encoder)
    if name.startswith(_PREFIX):
        return load(name.removeprefix(_PREFIX))
    if name.startswith("bfcl_eval"):
        raise ImportError(f"{name} is not an environment")
    module = importlib.import_module(name)
    return module if fromlist else importlib.import_module(name.partition(".")[0])
