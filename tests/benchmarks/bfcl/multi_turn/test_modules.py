from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.benchmarks.bfcl.multi_turn import modules

SOURCE = "bfcl_eval/eval_checker/multi_turn_eval/func_source_code"


def test_threads_that_come_at_once_get_one_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / SOURCE
    folder.mkdir(parents=True)
    (folder / "slow_to_load.py").write_text("import time\ntime.sleep(0.05)\n\nclass Environment:\n    pass\n")
    monkeypatch.setattr(modules, "package", lambda: tmp_path / "bfcl_eval")
    monkeypatch.setitem(modules._REPLACED, "time", time)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(modules.load, ["slow_to_load"] * 4))
    assert len({id(module.Environment) for module in found}) == 1
