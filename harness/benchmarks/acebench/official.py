"""Official result files, read by id and judged sample by sample.

    result_all/result_en/<model>/data_normal_atom_bool_result.json
    {"id": "normal_atom_bool_0", "result": "[f(a=1)]"}
    {"id": "agent_multi_step_0", "result": [{"BaseApi": {...}}, ...], "process": ["[turn_on_wifi()]", ...]}

Upstream matches lines to questions by position alone, so that an unsorted file is scored wrongly without notice (quirk
12); here ids decide, and another order is reported. Layout: `generate.py`, `eval_main.py` (commit 56dd66cf).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.benchmarks.acebench import data
from harness.benchmarks.acebench.agents.check import judge_agent
from harness.benchmarks.acebench.benchmark import grouped, whole
from harness.benchmarks.acebench.judging import judge
from harness.benchmarks.bfcl.official import result_record
from harness.errors import HarnessError, UsageProblem
from harness.protocols import Report
from harness.types import Verdict

_RESULT = re.compile(r"data_(\w+)_result\.json")
_LANGUAGE = re.compile(r"result_(en|zh)")

Records = Mapping[str, Mapping[str, Any] | None]
"""Id -> result record; None for a line that names the id and cannot be used."""


def result_files(folder: Path) -> dict[tuple[str, str], Path]:
    """Result files of one model by language and category, in the official order.

    Args:
        folder: `result_<language>/<model>`, or a folder above it that holds no other model.

    Returns:
        The files.

    Raises:
        UsageProblem: There are none or those of several models, or their language cannot be told.
    """
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.rglob("data_*_result.json")):
        match = _RESULT.fullmatch(path.name)
        if match is None or match[1] not in data.CATEGORIES:
            known = ", ".join(data.CATEGORIES)
            raise UsageProblem(f"{path} is of no known category", f"Known: {known}.")
        languages = [named[1] for part in path.resolve().parts if (named := _LANGUAGE.fullmatch(part))]
        if not languages:
            remedy = "Results lie in result_all/result_en/<model> or result_zh/<model>: keep the folder's name."
            raise UsageProblem(f"the language of {path} cannot be told", remedy)
        key = languages[-1], match[1]
        if key in found:
            remedy = f"Give the folder of one model, such as {path.parent}."
            raise UsageProblem(f"{folder} has two files for {match[1]}: {found[key]} and {path}", remedy)
        found[key] = path
    if not found:
        raise UsageProblem(f"no data_*_result.json below {folder}", "Give the folder of one model.")
    order = {(language, name): (language, data.CATEGORIES.index(name)) for language, name in found}
    return {key: found[key] for key in sorted(found, key=order.__getitem__)}


def read_results(path: Path, language: str, category: str, report: Report) -> Records:
    """Read one result file.

    Args:
        path: The file.
        language: `en` or `zh`.
        category: Its category.
        report: Told `FILE:LINE: why` for each line that cannot be used, and of another order than the official one.

    Returns:
        The records by id; the first of two lines counts.
    """
    known, found = data.questions(language, category), dict[str, Mapping[str, Any] | None]()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            record = result_record(line)
            if isinstance(record, str):
                report(f"{path}:{number}: {record}")
            elif record["id"] not in known:
                report(f"{path}:{number}: {str(record['id'])[:100]!r} is not an item of this category")
            elif record["id"] in found:
                report(f"{path}:{number}: a second line for {record['id']!r}")
            else:
                found[record["id"]] = record
    if [*found] != [name for name in known if name in found]:
        report(f"{path}: the lines are in another order than the questions; the official program would mix them up")
    return found


def verdicts(records: Records, language: str, category: str, rules: str) -> Iterator[tuple[str, Verdict]]:
    """Judge every sample of a category.

    Args:
        records: As `read_results` gives them.
        language: `en` or `zh`.
        category: The category.
        rules: `upstream` or `strict`.

    Yields:
        Name of a sample, without its language, and its verdict; samples with a missing line are unscored.
    """
    for name, questions in grouped(language, category).items():
        if missing := [question["id"] for question in questions if records.get(question["id"]) is None]:
            yield name, Verdict("unscored", "missing", f"there is no line for {missing[0]}")
            continue
        try:
            yield name, _judge([records[question["id"]] for question in questions], language, category, rules)
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad item never ends a run
            yield name, Verdict("unscored", "fault", f"{type(error).__name__}: {error}"[:2000])


def _judge(records: list[Any], language: str, category: str, rules: str) -> Verdict:
    first, *_ = records
    if category in data.AGENT:
        return judge_agent(language, first["id"], first["result"], first.get("process"), rules)
    found = {record["id"]: judge(language, record["id"], record["result"], rules=rules) for record in records}
    return whole(found) if category in data.MULTI_TURN else found[first["id"]]
