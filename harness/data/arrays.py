"""A JSON file with one array, read an item at a time: its size does not decide how much memory it takes."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any

CHUNK = 2**20
"""Bytes that are read at once, at least."""
NEAR = 16
"""Characters before the end in which an item that is cut can look wrong, as half a word or half an escape does."""
_SOLID = re.compile(r"[^ \t\r\n]")
_DECODER = json.JSONDecoder()


class _Text:
    """What is left of a file, of which a part is in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._decode = file, codecs.getincrementaldecoder("utf-8")().decode
        self.text, self.at, self.ended, self._passed = "", 0, False, file.tell()

    def more(self) -> None:
        """Read as much again as is there, so that a long item is not tried often."""
        self._passed += self.at
        data = self._file.read(max(CHUNK, len(self.text) - self.at))
        self.text, self.at, self.ended = self.text[self.at :] + self._decode(data, not data), 0, not data

    def next(self) -> str:
        """The next character that is no white space, without taking it; empty at the end."""
        while (found := _SOLID.search(self.text, self.at)) is None and not self.ended:
            self.at = len(self.text)
            self.more()
        self.at = found.start() if found else len(self.text)
        return found[0] if found else ""

    def wrong(self, what: str, at: int) -> ValueError:
        """The error at a place in the text, told by its place in the file."""
        return ValueError(f"{what} at character {self._passed + at + 1}")


def items(file: IO[bytes]) -> Iterator[Any]:
    """The items of an array.

    Args:
        file: Open behind the opening bracket.

    Yields:
        Each item when it has been read whole.

    Raises:
        ValueError: The file is not one array in UTF-8; items before the fault have been given.
        RecursionError: An item is nested too deeply.
    """
    text = _Text(file)
    mark = text.next()
    while mark != "]":
        yield _item(text)
        mark = text.next()
        if mark not in (",", "]"):
            raise text.wrong("no comma or closing bracket", text.at)
        text.at += mark == ","
    text.at += 1
    if text.next():
        raise text.wrong("something stands behind the array", text.at)


def _item(text: _Text) -> Any:
    text.next()
    while True:
        try:
            value, end = _DECODER.raw_decode(text.text, text.at)
        except json.JSONDecodeError as problem:
            cut = problem.msg.startswith("Unterminated string") or problem.pos >= len(text.text) - NEAR
            if text.ended or not cut:
                raise text.wrong(problem.msg, problem.pos) from None
        else:
            if end < len(text.text) or text.ended:  # a number may go on
                text.at = end
                return value
        text.more()
