"""Result files of the official evaluator: `DIR/result/<model>/<group>/BFCL_v4_<category>_result.json`."""

from __future__ import annotations

import json
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from harness import plugins
from harness.benchmarks.bfcl import data, official
from harness.benchmarks.bfcl.decode import read_calls
from harness.benchmarks.bfcl.judging import raw_answer
from harness.data import datasets
from harness.errors import HarnessError, UsageProblem
from harness.exchange import Exported, ExportRequest
from harness.handlers import dialects
from harness.protocols import Report
from harness.results import provenance
from harness.results.lines import RecordedStep, SampleLine
from harness.results.tally import Tallies
from harness.running.rejudging import episodes
from harness.types import (
    BenchmarkInfo,
    CodeInfo,
    EngineInfo,
    Generation,
    MachineInfo,
    ModelInfo,
    NativeCall,
    RunRecord,
    Sampling,
    Score,
    Step,
    Verdict,
)

REGISTERED = {"prompt": "gpt-4o-2024-11-20", "fc": "gpt-4o-2024-11-20-FC"}
"""Names in the official model list that read results in our two conventions; it evaluates no name outside its list."""


def write(request: ExportRequest) -> Exported:
    """Write the replies of a BFCL run; what faulted is left out.

    Args:
        request: The run and where it goes.

    Returns:
        The files, and the command that evaluates them.

    Raises:
        UsageProblem: The run is of another benchmark.
    """
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    modes: Counter[str] = Counter()
    notes: list[str] = []
    faults = 0
    for episode, category in episodes(request.run, "bfcl", request.repeat or 0, notes.append):
        if category in data.EXECUTABLE or "_prereq" in episode.sample_id:
            continue
        faults += episode.fault is not None
        if episode.fault is None:
            modes.update(raw_answer(step.reply)[1] for step in episode.steps)
            found[category][episode.sample_id] = {"id": episode.sample_id, **_result(category, episode.steps)}
    if faults:
        notes.append(
            f"{faults} items that ended in an error are left out: evaluate with --partial-eval, or finish the run."
        )
    name = request.model_name or REGISTERED[modes.most_common(1)[0][0] if modes else "prompt"]
    folder = request.output / "result" / name.replace("/", "_")
    files = [
        official.write_results(folder, category, [by_id[key] for key in official.ids_of(category) if key in by_id])
        for category, by_id in found.items()
    ]
    whole = not faults and all(len(by_id) == len(official.ids_of(category)) for category, by_id in found.items())
    partial = "" if whole else " --partial-eval"
    command = f"bfcl evaluate --model {name} --test-category {','.join(found)}{partial}"
    root = shlex.quote(str(request.output.resolve()))
    # Its handlers make a client of the model's service, which wants a key even where nothing is asked.
    notes.append(f"OPENAI_API_KEY=unused BFCL_PROJECT_ROOT={root} {command}")
    return Exported(tuple(files), sum(map(len, found.values())), tuple(notes))


def _result(category: str, steps: Sequence[Step]) -> dict[str, Any]:
    """The fields of a result record; nested by turn and step where an item has several."""
    fields = [_fields(step) for step in steps]
    if category not in (*data.MULTI_TURN, *data.AGENTIC):
        return fields[-1]
    turns = range(steps[-1].turn + 1)
    return {
        key: [[part[key] for part, step in zip(fields, steps, strict=True) if step.turn == turn] for turn in turns]
        for key in fields[-1]
    }


def _fields(step: Step) -> dict[str, Any]:
    generation = step.generation
    return {
        "result": _answer(step),
        "input_token_count": generation.prompt_tokens,
        "output_token_count": generation.completion_tokens,
        "latency": generation.seconds,
        "reasoning_content": step.reply.think or "",
    }


def _answer(step: Step) -> Any:
    """Text, or native calls with arguments as JSON text and names as such models are sent them, without dots."""
    raw, mode = raw_answer(step.reply)
    if mode == "prompt" or isinstance(raw, str):
        return raw
    return [{name.replace(".", "_"): _text(arguments) for name, arguments in call.items()} for call in raw]


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


@dataclass(frozen=True, slots=True)
class Convention:
    """How the model of an official result folder was asked."""

    mode: str
    """`prompt` or `fc`."""
    underscore_names: bool = False
    dialect: str | None = None
    """What text is written in, where models wrote their calls in a format of their own."""


LOOKED_AT = 200
"""Results that are looked at to tell how a folder was made."""


def convention_of(
    folder: Path, mode: str | None, dialect: str | None, underscore_names: bool, report: Report
) -> Convention:
    """Find out how a folder was made, where that was not said.

    Args:
        folder: Holds the result files of one model.
        mode: `prompt` or `fc`; None to tell by the replies.
        dialect: What text is written in; None or `auto` to tell by the replies.
        underscore_names: Tools were sent with dots in their names replaced by underscores.
        report: Told what was found out, and why.

    Returns:
        The convention.

    Raises:
        UsageProblem: The form of the results does not fit what was said of them.
    """
    results = list(_some_results(folder))
    texts = [result for result in results if isinstance(result, str) and result.strip()]
    native = [result for result in results if isinstance(result, list) and result]
    asked = None if dialect == "auto" else dialect
    if asked is not None:
        if len(native) > len(texts):
            raise UsageProblem(f"{folder} holds native calls, which --dialect does not read", "Give --mode fc.")
        return Convention("fc", underscore_names, asked)
    if len(native) > len(texts):
        if mode == "prompt":
            raise UsageProblem(f"{folder} holds native calls, not text", "Give --mode fc.")
        underscore_names = underscore_names or (mode is None and _without_dots(native))
        if mode is None:
            names = ", names without dots" if underscore_names else ""
            report(f"note: read as --mode fc: {len(native)} of {len(results)} replies are lists of calls{names}")
        return Convention("fc", underscore_names)
    if mode == "prompt":
        return Convention("prompt", underscore_names)
    prompted = sum(read_calls(text) is not None for text in texts)
    readers = dialects.readers(texts)
    best = max(readers, key=readers.__getitem__, default=None)
    if best is not None and readers[best] > prompted:
        report(f"note: read as --dialect {best}, which reads {readers[best]} of {len(texts)} replies looked at")
        return Convention("fc", underscore_names, best)
    if mode is None:
        report(f"note: read as --mode prompt, which reads {prompted} of {len(texts)} replies looked at")
        return Convention("prompt", underscore_names)
    if prompted > len(native):
        raise UsageProblem(f"{folder} holds text as prompted models write it, not native calls", "Give --mode prompt.")
    return Convention("fc", underscore_names)


def _some_results(folder: Path) -> Iterator[Any]:
    """Results of each file, those of dialogues step by step."""
    files = official.result_files(folder, lambda _: None)
    share = max(1, LOOKED_AT // len(files))
    for category, path in files.items():
        records = official.read_results(path, official.ids_of(category), lambda _: None)
        for record in islice(records, share):
            result = record["result"] if record else None
            if category in (*data.MULTI_TURN, *data.AGENTIC) and isinstance(result, list):
                yield from (step for turn in result if isinstance(turn, list) for step in turn)
            else:
                yield result


def _without_dots(native: Sequence[Any]) -> bool:
    """Whether calls have names that exist with a dot in the data, and with an underscore only in what was sent."""
    dotted = {
        tool["name"] for name in data.SINGLE_TURN for record in data.questions(name) for tool in record["function"]
    }
    sent = {name.replace(".", "_") for name in dotted if "." in name} - dotted
    return any(name in sent for calls in native for call in calls if isinstance(call, dict) for name in call)


def score(
    folder: Path,
    convention: Convention,
    rules: Sequence[str],
    report: Report,
    output: Path | None = None,
    categories: Sequence[str] = (),
) -> Tallies:
    """Judge a folder of official results.

    Args:
        folder: Holds the result files of one model.
        convention: Prompting or native calls.
        rules: Rule sets to judge by.
        report: Told about lines that cannot be used.
        output: `score` folder for official score files by the first rule set; None for none.
        categories: Only these; all by default.

    Returns:
        The counts.

    Raises:
        UsageProblem: There are no results, or none of the categories.
    """
    files = chosen(official.result_files(folder, report), categories, folder)
    with datasets.no_collection():
        totals = {category: len(official.ids_of(category)) for category in files}
        tallies = Tallies(rules, totals, plugins.load("benchmarks", "bfcl").called)
    for category, path in files.items():
        written = official.ScoreFile(output / official.model_of(path, category), category) if output else None
        ids = official.ids_of(category)
        seen = 0
        for record in official.read_results(path, ids, report):
            seen += 1
            line = _line(record, category)
            verdicts = {name: {category: _judge(record, convention, name)} for name in rules}
            tallies.add(line, verdicts)
            if written and record:
                written.add(line.id, record["result"], verdicts[rules[0]][category])
        if seen < len(ids):
            tallies.lost += len(ids) - seen
            report(f"{path}: {len(ids) - seen} of {len(ids)} items are missing")
        if written:
            written.finish()
    return tallies


def chosen(files: Mapping[str, Path], categories: Sequence[str], folder: Path) -> dict[str, Path]:
    """The result files of some categories; all where none is named.

    Raises:
        UsageProblem: There is none of them.
    """
    found = {name: path for name, path in files.items() if not categories or name in categories}
    if not found:
        raise UsageProblem(f"{folder} has no results of {', '.join(categories)}", f"It has {', '.join(files)}.")
    return found


def _line(record: Mapping[str, Any] | None, category: str) -> SampleLine:
    """The item as far as it matters for what is said of unreadable replies: its id and its first reply, if text."""
    result = record["result"] if record else None
    while isinstance(result, list) and result and isinstance(result[0], list | str):
        result = result[0]
    steps = (RecordedStep(0, Generation(result)),) if isinstance(result, str) else ()
    if category in (*data.MULTI_TURN, *data.AGENTIC):
        steps = ()  # One step of a dialogue would say that no call was read in the others.
    return SampleLine(record["id"] if record else "", 0, category, steps)


def _judge(record: Mapping[str, Any] | None, convention: Convention, rules: str) -> Verdict:
    from harness.benchmarks.bfcl import judge

    if record is None:
        return Verdict("unscored", "unreadable", "the line cannot be read")
    try:
        return judge(
            record["id"],
            record["result"],
            mode=convention.mode,
            underscore_names=convention.underscore_names,
            rules=rules,
            dialect=convention.dialect,
        )
    except HarnessError:
        raise
    except Exception as error:  # noqa: BLE001 - one bad item never ends a run
        return Verdict("unscored", "fault", f"{type(error).__name__}: {error}"[:2000])


def read(source: Path) -> tuple[RunRecord, list[SampleLine]]:
    """Read an official result folder as a run: verdicts are ours, and those of its score files are kept beside.

    Args:
        source: The model's folder below `result`; its score files are looked for below `score` beside that.

    Returns:
        Record and samples; the evidence of each verdict holds the official one as `official`, where there is one.

    Raises:
        UsageProblem: There are no results.
    """
    told = official.log
    convention = convention_of(source, None, None, False, told)
    files = official.result_files(source, told)
    lines, differing = [], []
    for category, path in files.items():
        theirs = _official_verdicts(path, category)
        for record in official.read_results(path, official.ids_of(category), told):
            if record is None:
                continue
            line, verdict = _recorded(record, category), _judge(record, convention, "upstream")
            if theirs is not None and verdict.outcome != "unscored":
                code = theirs.get(line.id)
                if (code is None) != (verdict.outcome == "pass"):
                    differing.append(f"{line.id}: {verdict.code or 'pass'}, officially {code or 'pass'}")
                verdict = replace(verdict, evidence={**verdict.evidence, "official": code or "pass"})
            lines.append(replace(line, verdicts={category: verdict}))
    for said in differing:
        told(f"another verdict than the official one: {said}")
    return _imported(source, files, convention, lines), lines


def _official_verdicts(path: Path, category: str) -> dict[str, str] | None:
    """Error types of the failed items in the score file that belongs to a result file; None where there is none."""
    parts = list(path.resolve().parts)
    if "result" not in parts:
        return None
    parts[len(parts) - 1 - parts[::-1].index("result")] = "score"
    file = Path(*parts).with_name(path.name.replace("_result.json", "_score.json"))
    if not file.is_file():
        return None
    failed = {}
    for record in data.records(file)[1:]:
        error = record.get("error")
        kind = record.get("error_type") or (error.get("error_type") if isinstance(error, dict) else None)
        category_of, _, number = str(record.get("id", "")).rpartition("_")
        failed[f"{official.V3_NAMES.get(category_of, category_of)}_{number}"] = str(kind or f"{category}:failed")
    return failed


def _recorded(record: Mapping[str, Any], category: str) -> SampleLine:
    result = record["result"]
    stateful = category in (*data.MULTI_TURN, *data.AGENTIC) and isinstance(result, list)
    turns = result if stateful else [[result]]
    steps = tuple(
        RecordedStep(number, _generation(step))
        for number, turn in enumerate(turns)
        for step in (turn if isinstance(turn, list) else [turn])
    )
    return SampleLine(record["id"], 0, category, steps)


def _generation(step: Any) -> Generation:
    if not isinstance(step, list):
        return Generation(step if isinstance(step, str) else json.dumps(step))
    calls = [(str(name), value) for call in step if isinstance(call, dict) for name, value in call.items()]
    return Generation("", tool_calls=tuple(NativeCall(name, _text(arguments)) for name, arguments in calls))


def _imported(
    source: Path, files: Mapping[str, Path], convention: Convention, lines: Sequence[SampleLine]
) -> RunRecord:
    benchmark = plugins.load("benchmarks", "bfcl")
    category, path = next(iter(files.items()))
    ids = [line.id for line in lines]
    about = BenchmarkInfo(
        name=benchmark.name,
        version=benchmark.version,
        data_sha256=benchmark.data_sha256(),
        checker_sha256=provenance.checker_sha256(benchmark),
        categories=tuple(files),
        n=len(lines),
        samples_sha256=provenance.digest(ids),
        left=0,
    )
    when = datetime.fromtimestamp(max(file.stat().st_mtime for file in files.values()), UTC)
    name = official.model_of(path, category)
    settings = {"source": str(source), "mode": convention.mode, "dialect": convention.dialect}
    return RunRecord(
        run_id="",
        started=f"{when:%Y-%m-%dT%H:%M:%SZ}",
        status="complete",
        model=ModelInfo(name, remote=True),
        benchmark=about,
        handler=convention.mode,
        handler_options={"dialect": convention.dialect} if convention.dialect else {},
        engine=EngineInfo("bfcl-eval", options=settings),
        sampling=Sampling(temperature=0.001),
        rules="upstream",
        repeats=1,
        code=CodeInfo(),
        machine=MachineInfo(),
        config_sha256="",
        scores={name: Score(len(official.ids_of(name)), 0, 0, 0) for name in files},
    )
