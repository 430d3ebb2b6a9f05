"""Where a gate tells its verdict: JUnit, JSON, job summary and annotations. An error is a verdict there, too."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

from harness import files
from harness.analysis.gating import Gate
from harness.errors import HarnessError, UsageProblem
from harness.reports import gates


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files of one gate."""

    junit: Path | None = None
    report: Path | None = None
    """JSON."""
    summary: str = "auto"
    """`auto` (GitHub's, where there is one), `none` or a file."""
    as_json: bool = False
    """Standard output holds JSON alone."""
    refused: set[Path] = field(default_factory=set)
    """Files that are not written, because they are something else, too, or cannot be."""

    def prepare(self, inputs: Iterable[Path | None] = ()) -> None:
        """Make room before anything is computed, so that no verdict of an earlier gate can be taken for this one's.

        Args:
            inputs: Files that the gate reads.

        Raises:
            UsageProblem: A file cannot be written, or is also read or written as something else.
        """
        taken = {path.resolve() for path in inputs if path is not None}
        problems = []
        for path in self._written():
            try:
                if path.resolve() in taken:
                    raise OSError(0, "it is named twice, here and as something else")
                taken.add(path.resolve())
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.is_file() and not path.is_symlink():  # /dev/stdout is one
                    path.unlink()
            except OSError as error:
                self.refused.add(path)
                problems.append(f"cannot write {path}: {error.strerror}")
        if problems:
            raise UsageProblem("\n".join(problems), "Give another file.")
        if (summary := self._summary()) is not None:
            summary.parent.mkdir(parents=True, exist_ok=True)

    def tell(self, result: Gate) -> None:
        """Write a verdict."""
        self._write(gates.junit(result), gates.dumped(result), gates.summary(result))
        self._annotate(list(gates.workflow_commands(result)))

    def fail(self, message: str, kind: str) -> None:
        """Write that there is no verdict: the gate could not be held.

        Args:
            message: What is wrong, and the remedy.
            kind: Class of the error.
        """
        dumped = gates.error_json(message, kind)
        self._write(gates.error_junit(message, kind), dumped, gates.error_summary(message))
        self._annotate([gates.error_command(message)])
        if self.as_json:
            click.echo(dumped, nl=False)

    def _written(self) -> list[Path]:
        return [path for path in (self.junit, self.report) if path is not None and path not in self.refused]

    def _summary(self) -> Path | None:
        path = os.environ.get("GITHUB_STEP_SUMMARY") if self.summary == "auto" else self.summary
        return Path(path) if path and path != "none" else None

    def _write(self, junit: str, dumped: str, summary: str) -> None:
        for path, text in ((self.junit, junit), (self.report, dumped)):
            if path in self._written() and path.is_symlink():
                path.write_text(text, encoding="utf-8")
            elif path in self._written():
                files.write_atomic(path, text.encode())
        if (path := self._summary()) is not None:
            with path.open("a", encoding="utf-8") as file:
                file.write(summary)

    def _annotate(self, commands: Sequence[str]) -> None:
        """Annotations for GitHub; with --json they stay out of the output."""
        if os.environ.get("GITHUB_ACTIONS") == "true":
            for line in commands:
                click.echo(line, err=self.as_json)


def tell_misuse(arguments: Sequence[str], message: str) -> None:
    """Write an error where a command line that is wrong asks for verdicts.

    Args:
        arguments: The command line.
        message: What is wrong with it.
    """
    values: dict[str, str] = {}
    others = []
    words = iter(arguments)
    for word in words:
        flag, equals, value = word.partition("=")
        if flag in ("--junit", "--report", "--summary"):
            values[flag] = value if equals else next(words, "")
        else:
            others.append(Path(value if equals else word))
    junit, report = (Path(values[flag]) if values.get(flag) else None for flag in ("--junit", "--report"))
    outputs = Outputs(junit, report, values.get("--summary", "auto"), "--json" in arguments)
    with suppress(HarnessError, OSError):  # the command line is what is wrong first
        outputs.prepare(others)
    outputs.fail(message, "UsageProblem")
