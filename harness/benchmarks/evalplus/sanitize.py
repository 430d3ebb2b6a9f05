"""The program inside a reply: the same text that EvalPlus's sanitiser finds, in time that a reply cannot blow up.

Two steps, as in evalplus/sanitize.py (0.3.1). First the longest run of lines that is a Python program, by lines that
are not blank; the first of several. Then of that program its imports and those definitions that the entry point
reaches by name. Quirks kept: decorated definitions, `from __future__` imports and augmented assignments are dropped,
so are functions without a `return`; of several definitions of a name the first stays; an assignment is known by the
first plain name in it, even one on its right; where nothing parses the first line is the program.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

from harness.errors import UsageProblem

if TYPE_CHECKING:
    from tree_sitter import Node

MOST_WORK = 5_000_000
"""Characters that may be parsed for one reply. Only replies made to be slow need more; the best run so far is taken."""

_PROBE = 16
"""Lines that are tried first: prose ends there, and the rest of a long reply is not parsed for each of its lines."""
_OPEN = ("never closed", "triple-quoted", "EOF")
"""Parts of messages about a text that is only cut off."""

_IMPORTS = ("import_statement", "import_from_statement")


def sanitize(reply: str, entry_point: str) -> str:
    """Take the program out of a reply.

    Args:
        reply: The model's answer, its thinking already removed.
        entry_point: Function that is needed.

    Returns:
        Imports, then what the function needs, in the order of the reply; the whole run of lines where nothing of
        that is in it.

    Raises:
        UsageProblem: The parser is not installed.
    """
    program = longest_program(reply)
    return _needed(program, entry_point).strip() or program


def longest_program(text: str) -> str:
    """The longest run of at least two lines that Python's parser accepts; the first line where there is none."""
    lines = text.split("\n")
    filled = [0, *accumulate(bool(line.strip()) for line in lines)]
    first, last, best, work = 0, 0, 0, 0
    for start in range(len(lines)):
        probe = "\n".join(lines[start : start + _PROBE])
        work += len(probe)
        end = min(len(lines) - 1, start + _hopeless_after(probe))
        found = 0
        while end > start and filled[end + 1] - filled[start] > best and work < MOST_WORK:
            length = filled[end + 1] - filled[start]
            if length < found:
                break
            window = "\n".join(lines[start : end + 1])
            work += len(window)
            error = _error(window)
            if error is None:  # shorter runs of as many filled lines come before it
                first, last, found = start, end, length
                end -= 1
            else:
                end = min(end - 1, start + error[0] - 1)
        best = max(best, found)
    return "\n".join(lines[first : last + 1])


def _hopeless_after(probe: str) -> int:
    """Lines, from 0, after which no text that starts like this can be a program; a huge number if it may become one."""
    error = _error(probe)
    cut_off = "\\\n" in probe or any(part in error[1] for part in _OPEN) if error else True
    if error is None or cut_off or error[0] > probe.count("\n"):
        return sys.maxsize
    return error[0] - 1


def _error(source: str) -> tuple[int, str] | None:
    """Where and why a text is not a program.

    Returns:
        None for a program. Else a line, from 1: texts that go beyond it fail as well; the last line where the parser
        cannot be relied on. And the parser's message.
    """
    last = source.count("\n") + 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        message = str(error.msg)
        reliable = error.lineno and "f-string" not in message  # inside one, lines are counted from its start
        return (min(error.lineno or last, last) if reliable else last), message
    except (ValueError, MemoryError, RecursionError) as error:
        return last, str(error)
    return None


def _needed(program: str, entry_point: str) -> str:
    try:
        import tree_sitter_python
        from tree_sitter import Language, Parser
    except ImportError as error:
        raise UsageProblem(
            "the package tree-sitter-python, which finds programs in replies, is not installed",
            "Run: pip install tree-sitter-python",
        ) from error
    source = program.encode("utf-8", "surrogatepass")
    root = Parser(Language(tree_sitter_python.language())).parse(source).root_node
    imports = [child for child in root.children if child.type in _IMPORTS]
    definitions = _definitions(root)
    names = _reachable(entry_point, {name: set(_identifiers(node)) for name, node in definitions.items()})
    kept = [*imports, *(node for name, node in definitions.items() if name in names)]
    pieces = (source[node.start_byte : node.end_byte] for node in kept)
    return b"\n".join(pieces).decode("utf-8", "surrogatepass")


def _definitions(root: Node) -> dict[str | None, Node]:
    """Top-level classes, functions that return something, and assignments; of several with a name the first."""
    found: dict[str | None, Node] = {}
    for child in root.children:
        node = child
        if child.type == "expression_statement" and child.children[0].type == "assignment":
            node = child.children[0]
        elif child.type == "function_definition":
            if not any(inner.type == "return_statement" for inner in _walk(child)):
                continue
        elif child.type != "class_definition":
            continue
        found.setdefault(_name(node), node)
    return found


def _name(node: Node) -> str | None:
    return next((_text(child) for child in node.children if child.type == "identifier"), None)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogatepass")


def _identifiers(node: Node) -> Iterator[str]:
    return (_text(inner) for inner in _walk(node) if inner.type == "identifier" and inner.id != node.id)


def _walk(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        inner = stack.pop()
        yield inner
        stack.extend(inner.children)


def _reachable(entry_point: str, uses: Mapping[str | None, set[str]]) -> set[str | None]:
    reached: set[str | None] = {entry_point}
    queue = [entry_point]
    while queue:
        for name in uses.get(queue.pop(), ()):
            if name not in reached:
                reached.add(name)
                queue.append(name)
    return reached
