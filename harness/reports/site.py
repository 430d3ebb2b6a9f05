"""Pages over many runs: one that lists them all, one of each, one of each two. Served when asked for, or a folder.

Served and written pages have the same names: `index.html`, `run-3.html`, `pair-3-7.html` (the first is the baseline).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from harness.errors import HarnessError
from harness.protocols import Report
from harness.reports import catalogue
from harness.reports.catalogue import Catalogue
from harness.reports.page import page
from harness.reports.scripted import scripted
from harness.text import templates, without_folders

INDEX = "index.html"
SCRIPTS = ("report/dom", "many/data", "many/runs", "many/boards", "many/trends", "many/main")
PAGE = re.compile(r"run-(\d{1,7})\.html|pair-(\d{1,7})-(\d{1,7})\.html")
OURS = re.compile(rf"{INDEX}|{PAGE.pattern}|beside-\d+\.\w+")


@dataclass(frozen=True)
class Site:
    """All pages of some runs."""

    known: Catalogue
    max_chars: int | None = None

    def index(self, pages: Sequence[str] | None = None) -> str:
        """The page that lists all; `pages` as of `catalogue.as_json`."""
        data = catalogue.as_json(self.known, pages)
        return scripted("many.html.j2", [f"{name}.js" for name in SCRIPTS], data, title=f"{len(data['runs'])} runs")

    def page(self, name: str) -> str | None:
        """The page of a run or of two, by its name.

        Returns:
            HTML; None where no page has this name.

        Raises:
            HarnessError: A run is damaged.
        """
        match = PAGE.fullmatch(name)
        numbers = [int(number) for number in match.groups() if number] if match else []
        if not numbers or max(numbers) >= len(self.known.runs):
            return None
        return page([self.known.runs[number][0] for number in numbers], self.max_chars, home=INDEX)

    def answer(self, path: str) -> bytes | None:
        """What a server says to a path, None to an unknown one; a run that cannot be read is a page that says so."""
        name = path.removeprefix("/") or INDEX
        if name == INDEX:
            return self.index().encode()
        for number, one in enumerate(self.known.beside):
            if one.page(number) == name and one.path.is_file():
                return one.path.read_bytes()
        try:
            html = self.page(name)
        except HarnessError as error:
            html = templates().get_template("problem.html.j2").render(problem=without_folders(str(error)), home=INDEX)
        return None if html is None else html.encode()

    def write(self, folder: Path, most: int, report: Report) -> int:
        """Write the list and as many pages as are wanted; those of an earlier list go.

        Args:
            folder: Where to; made if it is not there.
            most: Pages of one or two runs at most; the list says which there are.
            report: Told of runs that cannot be read.

        Returns:
            Pages of one or two runs that were written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if OURS.fullmatch(path.name):
                path.unlink()
        written = []
        for name in islice(self._names(), most):
            try:
                html = self.page(name)
            except HarnessError as error:
                report(str(error))
                continue
            if html is not None:
                (folder / name).write_text(html, encoding="utf-8")
                written.append(name)
        for number, one in enumerate(self.known.beside):
            shutil.copyfile(one.path, folder / one.page(number))
        (folder / INDEX).write_text(self.index(written), encoding="utf-8")
        return len(written)

    def _names(self) -> Iterator[str]:
        """Pages by how much they are wanted: each run and the step to it, newest first, then any two of a benchmark."""
        numbers = range(len(self.known.runs) - 1, -1, -1)
        before = {number: self.known.before(number) for number in numbers}
        for number, earlier in before.items():
            yield f"run-{number}.html"
            if earlier is not None:
                yield f"pair-{earlier}-{number}.html"
        for b in numbers:
            for a in range(b - 1, -1, -1):
                if before[b] != a and self.known.same_benchmark(a, b):
                    yield f"pair-{a}-{b}.html"
