"""Test sets of the user's own: read, checked line by line, and kept in the cache under a name that is then a task.

BFCL's form, answers in a file of their own or in the same line; a question without an answer wants no call:

    {"id": "t_0", "question": [[{"role": "user", "content": "Book a table."}]], "function": [{"name": "book", ...}]}
    {"id": "t_0", "ground_truth": [{"book": {"people": [4], "smoking": ["", false]}}]}

The short form, with one accepted value for each argument; tools in OpenAI's format will do, too:

    {"question": "Book a table for 4.", "tools": [{"name": "book", ...}],
     "calls": [{"name": "book", "arguments": {"people": 4}}]}      <- on one line

`"language": "java"` or `"javascript"` reads and judges values as BFCL's categories of that language do; `"wants_call"`
says of a question without an answer that any call is right. Lines with `involved_classes` have several turns and are
played in environments of the user's own (`dialogues`); the files of these are kept in the set, as its first line, so
that one digest stands for all that the set is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import files, plugins
from harness.benchmarks.own import conversations, dialogues
from harness.benchmarks.own.records import REMEDY, check_answer, item_of, require
from harness.errors import DataError, UsageProblem
from harness.machine import cache_root
from harness.sandbox.worlds import Environment

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
ENVIRONMENTS = "environments"
"""The only key of a first line that holds files of classes."""


def folder() -> Path:
    """Where the sets are kept."""
    return cache_root() / "own"


def names() -> list[str]:
    """All sets, sorted."""
    return sorted(path.stem for path in folder().glob("*.jsonl"))


def name_of(file: Path) -> str:
    """The name of a set that is given as a file: the file's own, with `_` for what no name can hold."""
    name = re.sub(r"\W", "_", file.stem, flags=re.ASCII)
    return name if NAME.fullmatch(name) else f"own_{name}"


def add(
    name: str, sources: Sequence[Path], environments: Sequence[str] = (), functions: Sequence[Path] = ()
) -> dict[str, int]:
    """Check a set and keep it; one of the same name is replaced.

    Args:
        name: Its name, which becomes a task.
        sources: Questions, then answers where these are in a file of their own.
        environments: Files and classes that lines of several turns are played in, as `dialogues.environment` takes.
        functions: Files of function documents, one a line, for lines that have none.

    Returns:
        How many items of which kind it has.

    Raises:
        UsageProblem: The name cannot be.
        DataError: A line or a file cannot be used; the message names file and line.
    """
    if not NAME.fullmatch(name):
        raise UsageProblem(f"{name!r} cannot name a test set", "Use letters, digits and _, a letter first.")
    if len(sources) > 2:
        raise UsageProblem(f"{len(sources)} files for one test set", "Give questions, then answers.")
    bfcl = plugins.load("benchmarks", "bfcl").tasks()
    if name in bfcl or name in plugins.names("benchmarks"):
        raise UsageProblem(f"{name} is the name of a task already", "Give the set another name.")
    files_of = [dialogues.environment(given) for given in environments]
    docs = [record for file in functions for record, _ in _lines(file)]
    items = read(sources[0], sources[1] if len(sources) > 1 else None, files_of, docs)
    head = [{ENVIRONMENTS: [one._asdict() for one in files_of]}] if files_of else []
    folder().mkdir(parents=True, exist_ok=True)
    lines = b"".join(json.dumps(line).encode() + b"\n" for line in (*head, *items))
    files.write_atomic(folder() / f"{name}.jsonl", lines)
    turns = sum(map(conversations.is_one, items))
    return {"single turn": len(items) - turns, "multi-turn": turns}


def load(name: str) -> tuple[list[dict[str, Any]], tuple[Environment, ...]]:
    """The items of a set that was added, and the files that they are played in."""
    items = [record for record, _ in _lines(folder() / f"{name}.jsonl")]
    head = items.pop(0)[ENVIRONMENTS] if items and ENVIRONMENTS in items[0] else []
    return items, tuple(Environment(one["file"], one["code"], tuple(one["classes"])) for one in head)


def read(
    questions: Path,
    answers: Path | None = None,
    environments: Sequence[Environment] = (),
    functions: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Read and check a set.

    Args:
        questions: JSON Lines in one of the forms.
        answers: JSON Lines of `id` and `ground_truth`; None where the questions hold them.
        environments: Files that lines of several turns are played in.
        functions: Documents for lines that have none.

    Returns:
        Items as `records.item_of` and `dialogues.item_of` give them.

    Raises:
        DataError: A line cannot be used; the message names file and line.
    """
    expected = {} if answers is None else _answers(answers)
    classes = [name for environment in environments for name in environment.classes]
    items: dict[str, dict[str, Any]] = {}
    for record, where in _lines(questions):
        if functions and not ("function" in record or "tools" in record):
            record = {**record, "function": functions}
        name = f"{name_of(questions)}_{len(items)}"
        item = _item(record, where, name, classes)
        if item["id"] in items:
            raise DataError(f"{where}: the id {item['id']!r} is there before", "Give each question an id of its own.")
        if item["id"] in expected:
            item["ground_truth"], where = expected.pop(item["id"])
        if conversations.is_one(item):
            dialogues.check_answer(item, where, environments)
        else:
            check_answer(item, where)
        items[item["id"]] = item
    if not items:
        raise DataError(f"{questions} holds no question", REMEDY)
    for name, (_, where) in expected.items():
        raise DataError(f"{where}: an answer for {name!r}, which is not a question of {questions}", REMEDY)
    return list(items.values())


def _item(record: Mapping[str, Any], where: str, name: str, classes: Sequence[str]) -> dict[str, Any]:
    if not conversations.is_one(record):
        return item_of(record, where, name)
    if not classes:
        raise DataError(
            f"{where}: `involved_classes` needs the file of the classes",
            "Add the set with it: harness data add NAME --format bfcl QUESTIONS ANSWERS --environment FILE.py:Class",
        )
    return dialogues.item_of(record, where, name, classes)


def _lines(file: Path) -> Iterator[tuple[dict[str, Any], str]]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {file}: {error}", REMEDY) from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = f"{file}:{number}"
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{where} is not JSON: {error}", "Write one JSON object a line.") from None
            require(isinstance(record, dict), where, "not an object")
            yield record, where


def _answers(file: Path) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for record, where in _lines(file):
        require(isinstance(record.get("id"), str) and "ground_truth" in record, where, "no `id` and `ground_truth`")
        require(record["id"] not in found, where, f"a second answer for {record['id']!r}")
        found[record["id"]] = record["ground_truth"], where
    return found
