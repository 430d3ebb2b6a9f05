"""Run every `bench_*.py` of this folder, each in a process of its own so that none warms another's caches."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run them and say which failed.

    Args:
        names: `core` for `bench_core.py`; empty for all.

    Returns:
        How many failed.
    """
    known = {path.stem.removeprefix("bench_"): path for path in sorted(FOLDER.glob("bench_*.py"))}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no benchmark {unknown[0]!r}; there are: {', '.join(known)}")
    failed = []
    for name in names or known:
        print(f"\n== {name} ==", flush=True)
        began = time.monotonic()
        if subprocess.run([sys.executable, "-m", f"tests.bench.bench_{name}"]).returncode:
            failed.append(name)
        print(f"({time.monotonic() - began:.0f} s)", flush=True)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
