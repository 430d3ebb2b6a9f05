"""Lines of several turns: checked, and their expected calls tried out in the user's environments.

{"id": "desk_0", "question": [[{"role": "user", "content": "Open a ticket."}], [{"role": "user", "content": "..."}]],
 "function": [...], "involved_classes": ["Desk"], "initial_config": {"Desk": {"next": 7}}}
{"id": "desk_0", "ground_truth": [["open_ticket(title='Printer')"], ["close_ticket(id=7)"]]}
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.benchmarks.own import conversations
from harness.benchmarks.own.records import REMEDY, is_turn, require, tool_of
from harness.benchmarks.own.world import ERROR, chain
from harness.errors import DataError, UsageProblem
from harness.sandbox.worlds import Environment


def environment(given: str) -> Environment:
    """Read a file of classes, without running it.

    Args:
        given: `FILE.py:Class`, or several classes with commas between.

    Returns:
        The environment.

    Raises:
        UsageProblem: No class is named.
        DataError: The file cannot be read, or has no such class.
    """
    path, colon, names = given.rpartition(":")
    if not colon or not path or not names:
        raise UsageProblem(f"--environment {given} names no class", "Write FILE.py:Class, or FILE.py:One,Other.")
    classes = tuple(name.strip() for name in names.split(","))
    try:
        code = Path(path).read_text("utf-8")
        tree = ast.parse(code, path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}", REMEDY) from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{path}:{getattr(error, 'lineno', None) or 1}: {error}", "Give a file of Python.") from None
    known = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for name in classes:
        if name not in known:
            raise DataError(f"{path} has no class {name!r}", f"It has: {', '.join(known) or 'none'}.")
    return Environment(Path(path).name, code, classes)


def item_of(record: Mapping[str, Any], where: str, name: str, classes: Sequence[str]) -> dict[str, Any]:
    """An item of several turns; its answer is still to be checked.

    Args:
        record: The line.
        where: File and line.
        name: Its id where it gives none.
        classes: Those that were given.

    Returns:
        `id`, `question`, `function`, `ground_truth`, `involved_classes`, `initial_config` and `missed_function`.

    Raises:
        DataError: It cannot be used.
    """
    involved, turns, docs = record["involved_classes"], record.get("question"), record.get("function")
    require(_are_texts(involved) and bool(involved), where, "`involved_classes` is not a list of names")
    for each in involved:
        require(each in classes, where, f"{each} is not among the classes of --environment: {', '.join(classes)}")
    require(isinstance(docs, list) and bool(docs), where, "no `function`: documents of the functions, or --functions")
    item = {
        "id": str(record.get("id", name)),
        "question": turns,
        "function": [tool_of(doc, where) for doc in docs or ()],
        "ground_truth": record.get("ground_truth"),
        "involved_classes": involved,
        "initial_config": record.get("initial_config", {}),
        "missed_function": record.get("missed_function", {}),
    }
    states, missed = item["initial_config"], item["missed_function"]
    good = isinstance(states, dict) and all(key in involved and isinstance(states[key], dict) for key in states)
    require(good, where, "`initial_config` is not a state for each involved class, by its name")
    names = [doc["name"] for doc in item["function"]]
    good = isinstance(missed, dict) and all(key.isdecimal() and _are_texts(missed[key]) for key in missed)
    require(good, where, "`missed_function` is not a list of names for each turn, by its number")
    for each in (each for key in missed for each in missed[key]):
        require(each in names, where, f"`missed_function` names {each!r}, which is not described")
    good = isinstance(turns, list) and bool(turns)
    good = good and all(is_turn(turn) or (turn == [] and str(at) in missed) for at, turn in enumerate(turns or ()))
    require(good, where, "`question` is not a list of turns, each a list of messages with `role` and `content`")
    late = [key for key in missed if int(key) >= len(turns or ())]
    require(not late, where, f"`missed_function` is of turn {', '.join(late)}, which is not there")
    return item


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def check_answer(item: Mapping[str, Any], where: str, environments: Sequence[Environment]) -> None:
    """Carry out an item's expected calls twice: they must succeed, and come to the same.

    Args:
        item: An item of several turns.
        where: File and line of the answer.
        environments: Files and classes.

    Raises:
        DataError: The item cannot be judged by it.
    """
    expected, turns = item["ground_truth"], item["question"]
    good = isinstance(expected, list) and all(map(_are_texts, expected))
    require(good, where, 'the answer is not a list of call strings for each turn, such as [["open(id=1)"], []]')
    require(len(expected) == len(turns), where, f"the answer has {len(expected)} turns, the question {len(turns)}")
    names = [doc["name"] for doc in item["function"]]
    for call in (call for turn in expected for call in turn):
        made = chain(call, names)
        require(not isinstance(made, str), where, f"{call!r} cannot be carried out: {made}")
    try:
        methods = conversations.world(item, environments).world.methods()
        for name in names:
            require(name in methods, where, f"no class has the function {name!r}; they have {', '.join(methods)}")
        once, again = (conversations.world(item, environments).turns(expected) for _ in range(2))
    except (DataError, RuntimeError) as error:
        raise DataError(f"{where}: {error}", REMEDY) from None
    for turn, ((results, state), (others, other)) in enumerate(zip(once, again, strict=True)):
        for call, result in zip(expected[turn], results, strict=True):
            require(not result.startswith(ERROR), where, f"{call!r} failed: {result}")
        require(
            (results, state) == (others, other), where, f"turn {turn} came to something else when it was tried again"
        )
