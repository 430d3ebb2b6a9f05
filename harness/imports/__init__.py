"""Other tools' results as runs, one module each. To add one: export `read(source) -> (RunRecord, lines)`.

What comes in is judged already, by the other tool; such a run is listed, compared, gated and shown like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness import files, plugins
from harness.results import store
from harness.results.lines import SampleLine, encode
from harness.results.tally import Tally
from harness.types import RunRecord


def read(format_name: str, source: Path, results: Path) -> Path:
    """Read another tool's results and store them as a run.

    Args:
        format_name: A module here.
        source: The other tool's folder or file.
        results: Where runs are stored.

    Returns:
        The run's folder.

    Raises:
        UsageProblem: The format is unknown; near ones are offered.
    """
    record, lines = plugins.module(__name__, "format", format_name).read(source)
    return keep(record, lines, results)


def keep(record: RunRecord, lines: Sequence[SampleLine], results: Path) -> Path:
    """Store a run made elsewhere.

    Args:
        record: Its record; scores are counted here, where the record has none.
        lines: Its samples.
        results: Where runs are stored.

    Returns:
        The run's folder.
    """
    tally = Tally(Counter(line.category for line in lines))
    for line in lines:
        tally.add(line)
    folder = store.new_run(results, record.model, record.benchmark["name"])
    files.write_atomic(folder / store.SAMPLES, b"".join(map(encode, lines)))
    scores = {name: replace(score, n=max(score.n, _size(record, name))) for name, score in tally.scores().items()}
    store.write_run(folder, replace(record, run_id=folder.name, scores=scores, tokens=tally.tokens))
    return folder


def _size(record: RunRecord, category: str) -> int:
    """Items of a category in its data, as far as the source says."""
    return record.scores[category].n if category in record.scores else 0
