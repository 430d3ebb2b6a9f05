"""The trainer commands, as a person types them."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.trainer.test_config import invoke
from tests.trainer.worlds import config, rows, write


def test_peek_shows_the_regions_of_a_record(tmp_path):
    settings = config(tmp_path)
    write(tmp_path / "data.jsonl", [rows(1)[0] | {"think": "It \x1b[31masks.", "answer": "[f(a=1)]"}])
    result = invoke("peek", "--model", settings.model, "--data", settings.data)
    assert result.exit_code == 0, result.output
    assert "[f(a=1)]<|im_end|>" in result.output
    assert "think" in result.output
    assert "\x1b[31m" not in result.output


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from click.testing import CliRunner; from trainer.cli import cli;"
        "assert CliRunner().invoke(cli, ['run', '--help']).exit_code == 0;"
        "print([name for name in ('torch', 'transformers', 'datasets', 'peft') if name in sys.modules])"
    )
    started = time.process_time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
    assert time.process_time() - started < 5
