"""Result files of the official ACEBench program: `DIR/result_<language>/<model>/data_<category>_result.json`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.benchmarks.acebench import official, summary
from harness.benchmarks.acebench.benchmark import grouped
from harness.protocols import Report
from harness.results.lines import SampleLine
from harness.results.tally import Tallies
from harness.types import Verdict


def score(folder: Path, rules: Sequence[str], report: Report) -> Tallies:
    """Judge a folder of official results.

    Args:
        folder: Holds the result files of one model, in one language or both.
        rules: Rule sets to judge by.
        report: Told about lines that cannot be used.

    Returns:
        The counts, and the official summary rows of each language.

    Raises:
        UsageProblem: There are no results, or those of several models.
    """
    files = official.result_files(folder)
    tallies = Tallies(
        rules, {f"{category}_{language}": len(grouped(language, category)) for language, category in files}
    )
    headers: dict[tuple[str, str], dict[str, summary.Header]] = defaultdict(dict)
    for (language, category), path in files.items():
        leaf, records = f"{category}_{language}", official.read_results(path, language, category, report)
        found = {name: dict(official.verdicts(records, language, category, name)) for name in rules}
        for sample in grouped(language, category):
            by_rules: dict[str, Mapping[str, Verdict]] = {name: {leaf: found[name][sample]} for name in rules}
            tallies.add(SampleLine(f"{language}:{sample}", 0, leaf, ()), by_rules)
        for name in rules:
            judged = [verdict for verdict in found[name].values() if verdict.outcome != "unscored"]
            headers[name, language][category] = summary.header(category, judged)
        if missing := sum(verdict.code == "missing" for verdict in found[rules[0]].values()):
            report(f"{path}: {missing} of {len(grouped(language, category))} items are missing")
    for (name, language), of_language in headers.items():
        tallies.official_rows[name][language] = summary.row(of_language, name)
    return tallies
