"""The program inside a reply as a person would put it together; what `--rules strict` judges.

EvalPlus's sanitiser (`sanitize`) takes the longest run of lines that is a program and of it what it knows to be needed,
so these fail though their code is right:

    Imports first:            The function:               def helper(x): ...          # only in the question,
    ```python                 ```python                   @cache                      # decorated,
    import re                 def solve(text): ...        def solve(x): ...           # or without a `return`
    ```                       ```

Here the block with the function is kept whole but for statements that only try it out, and before it go the imports and
helpers of the question and those of the reply's other blocks. A reply without such a block is read as EvalPlus does.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence

from harness.benchmarks.evalplus.data import Problem
from harness.benchmarks.evalplus.sanitize import longest_program, sanitize

_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*(\w*)")
_LANGUAGES = ("", "python", "py", "python3")
_IMPORTS = (ast.Import, ast.ImportFrom)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)
_TRIES_OUT = {"print", "input", "exit", "quit", "unittest", "doctest", "__name__"}


def program(reply: str, problem: Problem) -> str:
    """Put the program of a reply together.

    Args:
        reply: The model's answer, its thinking already removed.
        problem: What was asked.

    Returns:
        Future imports, what the question brings, what other blocks bring, then the block with the function: of several
        the one with most lines, the first of these.

    Raises:
        UsageProblem: The parser is not installed.
    """
    reply = reply.replace("\r\n", "\n").replace("\r", "\n")
    blocks, whole = _parts(_blocks(reply), problem), _parts([longest_program(reply)], problem)  # a fence in a docstring
    answers = [part for part in (*blocks, *whole) if problem.entry_point in part.names]
    if not answers:
        return sanitize(reply, problem.entry_point)
    answer = max(answers, key=lambda part: part.size)
    others = [part for part in (*_parts([problem.prompt], problem), *blocks) if part is not answer]
    known = {*answer.names, problem.entry_point}
    everything = [piece for other in others for piece in other.helpers(known)] + answer.pieces()
    future = [piece for piece in everything if piece.startswith("from __future__ ")]
    return "\n".join([*dict.fromkeys(future), *(piece for piece in everything if piece not in future)])


def _parts(texts: Iterable[str], problem: Problem) -> list[_Part]:
    return [part for text in texts if (part := _Part.read(text, problem.entry_point))]


class _Part:
    """A text that is Python: its statements but for those that only try the function out.

    Args:
        source: The text.
        tree: The same, parsed.
        entry_point: Name of the function.
    """

    def __init__(self, source: str, tree: ast.Module, entry_point: str) -> None:
        self._lines = source.split("\n")
        self._statements = [node for node in tree.body if not _tries_out(node, entry_point)]
        self.names = {name for node in self._statements for name in _bound(node)}
        self.size = sum(bool(line.strip()) for line in self._lines)

    @classmethod
    def read(cls, text: str, entry_point: str) -> _Part | None:
        """A text as a part; of one that is not a program its longest run that is one, None where there is none."""
        for read in (str, textwrap.dedent, longest_program):
            source = read(text)
            if tree := _parsed(source):
                return cls(source, tree, entry_point)
        return None

    def pieces(self) -> list[str]:
        """All statements as they are written."""
        return self._written(self._statements)

    def helpers(self, known: set[str]) -> list[str]:
        """Imports, and definitions of names that are not known yet, which are from then on."""
        chosen = []
        for node in self._statements:
            names = set(_bound(node))
            if isinstance(node, _IMPORTS) or (names and not names & known):
                chosen.append(node)
                known |= names
        return self._written(chosen)

    def _written(self, nodes: Sequence[ast.stmt]) -> list[str]:
        """Statements by whole lines, each line once: a `;` may join several."""
        pieces, done = [], 0
        for node in nodes:
            decorators = node.decorator_list if isinstance(node, _DEFINITIONS) else []
            first = max(done, min([node.lineno, *(each.lineno for each in decorators)]) - 1)
            done = node.end_lineno or node.lineno
            if first < done:
                text = "\n".join(self._lines[first:done]).rstrip()
                pieces.append(text.removesuffix("\\"))  # at a text's end one means nothing
        return pieces


def _parsed(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _blocks(reply: str) -> Iterator[str]:
    """Texts between code fences that may be Python; without any fence, each line that imports."""
    lines, inside, fenced = list[str](), "", False
    language = ""
    for line in reply.split("\n"):
        match = _FENCE.match(line)
        closes = bool(match and inside and match[1].startswith(inside) and not match[2])
        if closes or (match and not inside):
            if closes and language in _LANGUAGES:
                yield "\n".join(lines)
            inside, language = ("", "") if closes or not match else (match[1], match[2].lower())
            lines, fenced = [], True
        else:
            lines.append(line)
    if inside and language in _LANGUAGES:  # cut off
        yield "\n".join(lines)
    if not fenced:
        yield from (line for line in reply.split("\n") if re.match(r"(import|from)\s", line) and _parsed(line))


def _tries_out(node: ast.stmt, entry_point: str) -> bool:
    """Whether a statement is there to show or test the function and not a part of the program."""
    if isinstance(node, (*_IMPORTS, *_DEFINITIONS)) or entry_point in _bound(node):
        return False
    if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call):
        return True
    used = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return entry_point in used or bool(used & _TRIES_OUT) or any(isinstance(i, ast.Assert) for i in ast.walk(node))


def _bound(node: ast.stmt) -> list[str]:
    """Names that a statement at the top of a program binds."""
    if isinstance(node, _DEFINITIONS):
        return [node.name]
    if isinstance(node, _IMPORTS):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    return [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)]
