"""Ways to get a release gate wrong: each builds a folder and gives the command that is run in it.

`tests/cases/gate_wrong.json` holds for each the exit code before this was mended (commit c5a30cf) and the one now.

    python -m tests.analysis.gate_wrong FOLDER    # builds all cases, prints them with their commands as JSON
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.analysis.sides import freeze, read
from harness.results import store
from harness.types import ModelInfo, Outcome, Sampling
from tests import synthetic_runs
from tests.synthetic_runs import BENCHMARK

Build = Callable[[Path], list[str]]
CASES: dict[str, Build] = {}
SIZES = {"multiple": 200}
TWO = {"multiple": 200, "parallel": 200}
MIN = ["--min", "multiple=0.7"]
DROP = ["--max-drop", "multiple=0.1", "--baseline", "base.json"]


def case(build: Build) -> Build:
    """Add a case under the name of its function."""
    CASES[build.__name__] = build
    return build


def good(category: str, index: int, repeat: int) -> Outcome:
    """Nine of ten right."""
    return "fail" if index % 10 == 9 else "pass"


def perfect(category: str, index: int, repeat: int) -> Outcome:
    """All right."""
    return "pass"


def run(folder: Path, name: str = "run", sizes: Mapping[str, int] = SIZES, **changes: Any) -> Path:
    """A run below a folder of this name."""
    changes.setdefault("outcomes", good)
    n = sum(sizes.values()) * changes.get("repeats", 1)
    changes["benchmark"] = replace(changes.get("benchmark", BENCHMARK), n=n, left=0)
    return synthetic_runs.write(folder / name, changes.pop("model_name", "m"), sizes, **changes)


def frozen(folder: Path, **changes: Any) -> Path:
    """A baseline file, of a run that is gone."""
    path = folder / "base.json"
    path.write_bytes(freeze(read(run(folder, "before", **changes))))
    return path


def edit(made: Path, **changes: Any) -> None:
    """Change fields of a run's record; those of its benchmark by `benchmark`."""
    path = made / store.RUN
    record = json.loads(path.read_bytes())
    record["benchmark"] |= changes.pop("benchmark", {})
    path.write_text(json.dumps(record | changes))


def lines(made: Path) -> list[bytes]:
    return (made / store.SAMPLES).read_bytes().splitlines(keepends=True)


def keep(made: Path, kept: list[bytes]) -> None:
    (made / store.SAMPLES).write_bytes(b"".join(kept))


def killed(made: Path, count: int) -> Path:
    """As kill -9 leaves a run: some lines, the record of its start."""
    keep(made, lines(made)[:count])
    edit(made, status="running", scores={}, benchmark={"left": None})
    return made


def policy(folder: Path, text: str, name: str = "gate.yaml") -> list[str]:
    (folder / name).write_text(text)
    return ["--policy", name]


# What was never measured.


@case
def no_line_and_a_minimum_of_everything(folder: Path) -> list[str]:
    killed(run(folder), 0)
    return ["run", "--min", "*=0.7"]


@case
def no_line_and_nothing_planned(folder: Path) -> list[str]:
    edit(killed(run(folder), 0), benchmark={"categories": [], "n": None}, status="complete")
    return ["run", "--min", "*=0.7"]


@case
def no_line_and_a_limit_on_faults(folder: Path) -> list[str]:
    edit(killed(run(folder), 0), benchmark={"n": None}, status="complete")
    return ["run", *policy(folder, "limits: {faults: 0.0, truncated: 0.0}")]


@case
def replies_without_verdicts(folder: Path) -> list[str]:
    made = run(folder)
    keep(made, [json.dumps(json.loads(line) | {"verdicts": {}}).encode() + b"\n" for line in lines(made)])
    edit(made, scores={})
    return ["run", "--min", "*=0.7"]


@case
def nothing_judged_and_a_policy_that_lets_everything_pass(folder: Path) -> list[str]:
    edit(killed(run(folder), 0), benchmark={"n": None}, status="complete")
    return ["run", *policy(folder, "on_inconclusive: pass\nallow_missing: true\nminimum: {multiple: 0.5}")]


@case
def killed_with_a_demand_on_coverage(folder: Path) -> list[str]:
    killed(run(folder, sizes={"multiple": 400, "parallel": 400}), 481)
    return ["run", *policy(folder, "limits: {coverage: 1.0}")]


@case
def killed_before_the_second_category(folder: Path) -> list[str]:
    killed(run(folder, sizes=TWO), 200)
    return ["run", "--min", "*=0.7"]


@case
def killed_within_a_category(folder: Path) -> list[str]:
    killed(run(folder, outcomes=perfect), 150)
    return ["run", *MIN]


@case
def killed_and_held_against_a_whole_baseline(folder: Path) -> list[str]:
    frozen(folder)
    killed(run(folder), 150)
    return ["run", *DROP]


@case
def stopped_with_a_clean_record(folder: Path) -> list[str]:
    made = run(folder)
    keep(made, lines(made)[:190])
    edit(made, status="incomplete", benchmark={"left": 10})
    return ["run", "--min", "multiple=0.5"]


@case
def incomplete_without_saying_of_how_many(folder: Path) -> list[str]:
    edit(run(folder), status="incomplete", benchmark={"n": None, "left": None})
    return ["run", "--min", "multiple=0.5"]


@case
def hard_items_that_faulted(folder: Path) -> list[str]:
    run(folder, outcomes=lambda category, index, repeat: "unscored" if index % 4 == 3 else "pass")
    return ["run", "--min", "multiple=0.9"]


@case
def every_item_faulted(folder: Path) -> list[str]:
    run(folder, outcomes=lambda category, index, repeat: "unscored")
    return ["run", "--min", "*=0.5"]


@case
def a_part_of_an_average_is_missing(folder: Path) -> list[str]:
    run(folder, sizes={"multi_turn_base": 200, "multi_turn_miss_func": 200})
    return ["run", "--min", "v4/multi_turn=0.5"]


@case
def later_repeats_that_are_all_wrong(folder: Path) -> list[str]:
    frozen(folder)
    run(folder, repeats=4, outcomes=lambda category, index, repeat: "fail" if repeat else good(category, index, 0))
    return ["run", *DROP]


@case
def tokens_that_were_never_told(folder: Path) -> list[str]:
    made = run(folder)
    told = [json.loads(line) for line in lines(made)]
    for line in told:
        for step in line["steps"]:
            step["generation"] |= {"prompt_tokens": 0, "completion_tokens": 0}
    keep(made, [json.dumps(line).encode() + b"\n" for line in told])
    return ["run", *policy(folder, "limits: {tokens_per_sample: 900}")]


@case
def limits_on_a_frozen_file_that_holds_no_replies(folder: Path) -> list[str]:
    frozen(folder)
    return ["base.json", *policy(folder, "limits: {faults: 0.0, truncated: 0.0}")]


# Lines that cannot be read.


@case
def wrong_items_on_unreadable_lines(folder: Path) -> list[str]:
    made = run(folder, outcomes=lambda category, index, repeat: "fail" if index % 3 == 0 else "pass")
    keep(made, [line[:40] + b"\n" if b'"fail"' in line else line for line in lines(made)])
    edit(made, benchmark={"n": None})
    return ["run", "--min", "multiple=0.9"]


@case
def a_byte_order_mark(folder: Path) -> list[str]:
    made = run(folder)
    keep(made, [b"\xef\xbb\xbf", *lines(made)])
    edit(made, benchmark={"n": None})
    return ["run", *MIN]


@case
def two_runs_in_one_file(folder: Path) -> list[str]:
    made = run(folder, outcomes=perfect)
    keep(made, lines(made) + lines(run(folder / "other")))
    return ["run", *MIN]


@case
def a_damaged_record(folder: Path) -> list[str]:
    (run(folder) / store.RUN).write_text("{")
    return ["run", *MIN]


@case
def a_damaged_baseline(folder: Path) -> list[str]:
    path = frozen(folder)
    path.write_bytes(path.read_bytes()[:2000])
    run(folder)
    return ["run", *DROP]


# Folders of several runs.


def two_runs(folder: Path, **changes: Any) -> list[str]:
    """One folder with two runs of different categories, which differ in something else, too."""
    run(folder, sizes={"multiple": 200})
    run(folder, sizes={"parallel": 200}, **changes)
    return ["run", "--min", "*=0.7"]


@case
def two_models_in_a_folder(folder: Path) -> list[str]:
    return two_runs(folder, model=ModelInfo("other", sha256="12" * 32))


@case
def two_checkpoints_of_one_name_in_a_folder(folder: Path) -> list[str]:
    return two_runs(folder, model=ModelInfo("m", sha256="12" * 32))


@case
def two_data_sets_in_a_folder(folder: Path) -> list[str]:
    return two_runs(folder, benchmark=replace(BENCHMARK, data_sha256="e" * 64))


@case
def two_checkers_in_a_folder(folder: Path) -> list[str]:
    return two_runs(folder, benchmark=replace(BENCHMARK, checker_sha256="e" * 64))


@case
def two_sets_of_rules_in_a_folder(folder: Path) -> list[str]:
    return two_runs(folder, rules="strict")


@case
def two_handlers_in_a_folder(folder: Path) -> list[str]:
    return two_runs(folder, handler="fc")


@case
def two_temperatures_in_a_folder(folder: Path) -> list[str]:
    return two_runs(folder, sampling=Sampling(temperature=0.7))


@case
def the_same_category_twice_in_a_folder(folder: Path) -> list[str]:
    run(folder)
    run(folder)
    return ["run", *MIN]


@case
def other_data_hidden_by_the_last_run_of_a_folder(folder: Path) -> list[str]:
    run(folder, "before", sizes={"multiple": 200})
    run(folder, "before", sizes={"parallel": 200})
    run(folder, sizes={"multiple": 200}, benchmark=replace(BENCHMARK, data_sha256="e" * 64))
    run(folder, sizes={"parallel": 200})
    return ["run", "--max-drop", "*=0.1", "--baseline", "before"]


# Baselines.


@case
def a_misspelt_baseline_that_is_to_be_updated(folder: Path) -> list[str]:
    frozen(folder)
    run(folder, outcomes=lambda category, index, repeat: "pass" if index % 2 else "fail")
    return ["run", "--max-drop", "multiple=0.1", "--baseline", "bse.json", "--update-baseline"]


@case
def the_run_as_its_own_baseline(folder: Path) -> list[str]:
    run(folder)
    return ["run", "--max-drop", "multiple=0.1", "--baseline", "run"]


@case
def a_baseline_of_fewer_categories(folder: Path) -> list[str]:
    frozen(folder)
    run(folder, sizes=TWO, outcomes=lambda category, index, repeat: "pass" if category == "multiple" else "fail")
    return ["run", "--max-drop", "*=0.1", "--baseline", "base.json"]


@case
def a_shorter_candidate(folder: Path) -> list[str]:
    frozen(folder, outcomes=perfect)
    run(folder, sizes={"multiple": 60}, outcomes=perfect)
    return ["run", *DROP]


@case
def an_incomplete_baseline(folder: Path) -> list[str]:
    killed(run(folder, "before"), 150)
    run(folder)
    return ["run", "--max-drop", "multiple=0.1", "--baseline", "before"]


@case
def a_baseline_of_other_data(folder: Path) -> list[str]:
    frozen(folder, benchmark=replace(BENCHMARK, data_sha256="e" * 64))
    run(folder)
    return ["run", *DROP]


@case
def no_baseline_for_a_drop(folder: Path) -> list[str]:
    run(folder)
    return ["run", "--max-drop", "multiple=0.1"]


@case
def reports_over_the_baseline(folder: Path) -> list[str]:
    frozen(folder)
    run(folder)
    return ["run", *DROP, "--junit", "base.json"]


@case
def a_margin_that_sixteen_items_cannot_show(folder: Path) -> list[str]:
    frozen(folder, sizes={"live_parallel": 16})
    run(folder, sizes={"live_parallel": 16})
    return ["run", "--max-drop", "*=0.05", "--baseline", "base.json"]


# Policies.


@case
def a_rule_twice(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "minimum:\n  multiple: 0.99\n  multiple: 0.5\n")]


@case
def a_section_twice(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "minimum: {multiple: 0.99}\nlimits: {faults: 0}\nminimum: {multiple: 0.5}\n")]


@case
def a_rule_twice_in_json(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, '{"minimum": {"multiple": 0.99, "multiple": 0.5}}', "gate.json")]


@case
def a_minimum_twice_on_the_command_line(folder: Path) -> list[str]:
    run(folder)
    return ["run", "--min", "multiple=0.99", "--min", "multiple=0.5"]


@case
def a_flag_that_loosens_a_minimum(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "minimum: {multiple: 0.99}"), "--min", "multiple=0.5"]


@case
def a_flag_that_loosens_a_drop(folder: Path) -> list[str]:
    frozen(folder, outcomes=perfect)
    run(folder)
    loose = ["--max-drop", "multiple=0.5"]
    return ["run", *policy(folder, "max_drop: {multiple: 0.02}"), "--baseline", "base.json", *loose]


@case
def a_flag_that_lowers_the_confidence(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "minimum: {multiple: 0.89}"), "--alpha", "0.4"]


@case
def a_decimal_comma(folder: Path) -> list[str]:
    run(folder)
    return ["run", "--min", "multiple=0,70"]


@case
def a_decimal_comma_within_braces(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "minimum: {multiple: 0,95}")]


@case
def a_percentage(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "minimum: {multiple: 70%}")]


@case
def a_number_of_points(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "minimum: {multiple: 70}")]


@case
def a_confidence_in_percent(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "confidence: 95\nminimum: {multiple: 0.5}")]


@case
def not_a_number(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "minimum: {multiple: .nan}")]


@case
def a_misspelt_category(folder: Path) -> list[str]:
    run(folder)
    return ["run", "--min", "multipel=0.5"]


@case
def a_misspelt_section(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "minimun: {multiple: 0.5}\nlimits: {faults: 0}")]


@case
def a_misspelt_limit(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "limits: {fault: 0}")]


@case
def an_empty_policy(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "")]


@case
def a_policy_that_is_not_there(folder: Path) -> list[str]:
    run(folder)
    return ["run", "--policy", "gate.yml"]


@case
def no_policy_at_all(folder: Path) -> list[str]:
    run(folder)
    return ["run"]


@case
def a_run_that_is_not_there(folder: Path) -> list[str]:
    run(folder)
    return ["rnu", *MIN]


@case
def a_misspelt_answer_to_inconclusive(folder: Path) -> list[str]:
    run(folder)
    return ["run", *policy(folder, "on_inconclusive: passed\nminimum: {multiple: 0.5}")]


def build(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """All cases, each in a folder of its own."""
    for name, make in CASES.items():
        (folder / name).mkdir(parents=True)
        yield name, make(folder / name)


if __name__ == "__main__":
    json.dump(dict(build(Path(sys.argv[1]))), sys.stdout)
