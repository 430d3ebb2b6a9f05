"""Runs jobs of a GitHub workflow in shells, with the environment files that a runner gives to its steps.

What the workflows of this repository use is understood: `run`, checkout, set-up of Python (both are done by then),
artifacts as folders, a composite action of the checkout, `if` with `always()`, `!cancelled()`, `&&`, `==`, `!=` and
names of the context. Anything else is an error, so that a workflow cannot use what was not run.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


@dataclass
class Outcome:
    """How a job went."""

    ok: bool
    log: str
    summary: str
    outputs: Mapping[str, Mapping[str, str]]
    """Step id -> its outputs."""


@dataclass
class Runner:
    """Runs the jobs of one workflow run; its artifacts are shared."""

    checkout: Path
    work: Path
    environment: Mapping[str, str]
    attempt: int = 1
    jobs: Iterator[int] = field(default_factory=itertools.count)

    @property
    def artifacts(self) -> Path:
        """A folder for each artifact."""
        return self.work / "artifacts"

    def job(
        self,
        steps: list[dict[str, Any]],
        context: Mapping[str, Any],
        kill: Callable[[Path], bool] | None = None,
    ) -> Outcome:
        """Run the steps of a job.

        Args:
            steps: As in the workflow.
            context: `inputs` and `matrix`.
            kill: Asked again and again while a step runs; where it says so, the machine is lost.

        Returns:
            How it went.
        """
        return _Job(self, context, kill).run(steps)


class _Job:
    def __init__(self, runner: Runner, context: Mapping[str, Any], kill: Callable[[Path], bool] | None) -> None:
        self.runner, self.kill = runner, kill
        self.folder = runner.work / f"job-{next(runner.jobs)}"
        self.workspace, self.temp = self.folder / "workspace", self.folder / "temp"
        for folder in (self.workspace, self.temp):
            folder.mkdir(parents=True)
        self.files = {name: self.folder / name for name in ("GITHUB_PATH", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        for path in self.files.values():
            path.touch()
        self.context: dict[str, Any] = {"github": {"run_attempt": runner.attempt}, **context}
        self.log: list[str] = []
        self.ok, self.lost = True, False

    def run(self, steps: list[dict[str, Any]]) -> Outcome:
        outputs = self._steps(steps, self.context, None)
        return Outcome(self.ok, "".join(self.log), self.files["GITHUB_STEP_SUMMARY"].read_text(), outputs)

    def _steps(
        self, steps: list[dict[str, Any]], context: Mapping[str, Any], action: Path | None
    ) -> dict[str, dict[str, str]]:
        outputs: dict[str, dict[str, str]] = {}
        scope = {**context, "steps": {}}
        for number, step in enumerate(steps):
            if self.lost or not self._wanted(step, scope):
                continue
            name = step.get("id", f"__{number}")
            found, ok = self._step(step, scope, action)
            outputs[name] = found
            scope["steps"][name] = {"outputs": found}
            self.ok = self.ok and ok
        return outputs

    def _wanted(self, step: Mapping[str, Any], scope: Mapping[str, Any]) -> bool:
        condition = str(step.get("if", "success()"))
        terms = [term.strip() for term in EXPRESSION.sub(r"\1", condition).split("&&")]
        if not any(term in ("always()", "!cancelled()") for term in terms) and not self.ok:
            return False
        return all(self._term(term, scope) for term in terms)

    def _term(self, term: str, scope: Mapping[str, Any]) -> bool:
        if term in ("always()", "!cancelled()", "success()"):
            return True
        if re.fullmatch(r"[\w-]+(\.[\w-]+)+", term):
            return lookup(term, scope) not in ("", "false")
        match = re.fullmatch(r"(\S+)\s*(==|!=)\s*'([^']*)'", term)
        assert match, f"not understood: if: {term}"
        return (lookup(match[1], scope) == match[3]) == (match[2] == "==")

    def _step(
        self, step: Mapping[str, Any], scope: Mapping[str, Any], action: Path | None
    ) -> tuple[dict[str, str], bool]:
        given = {key: filled(str(value), scope) for key, value in step.get("with", {}).items()}
        uses = step.get("uses", "").partition("@")[0]
        if uses == "actions/checkout":
            shutil.copytree(self.runner.checkout, self.workspace, dirs_exist_ok=True, symlinks=True)
            return {}, True
        if uses == "actions/setup-python":
            return {}, True
        if uses == "actions/upload-artifact":
            return {}, self._upload(given)
        if uses == "actions/download-artifact":
            for folder in self.runner.artifacts.glob(given["pattern"]):
                shutil.copytree(folder, self.workspace / given["path"] / folder.name)
            return {}, True
        if uses == "./":
            return self._composite(given)
        assert not uses, f"not understood: uses: {uses}"
        env = {key: filled(str(value), scope) for key, value in step.get("env", {}).items()}
        return self._script(step["run"], env, action)

    def _upload(self, given: Mapping[str, str]) -> bool:
        target = self.runner.artifacts / given["name"]
        assert re.fullmatch(r"[^\"\r\n:<>|*?\\/]+", given["name"]), given["name"]
        sources = [self.workspace / path for path in given["path"].split("\n") if path.strip()]
        there = [path for path in sources if path.exists()]
        if not there:
            return True
        if target.exists():
            self.log.append(f"an artifact {given['name']} is there already\n")
            return False
        target.mkdir(parents=True)
        for path in there:
            shutil.copytree(path, target, dirs_exist_ok=True) if path.is_dir() else shutil.copy(path, target)
        return True

    def _composite(self, given: Mapping[str, str]) -> tuple[dict[str, str], bool]:
        action = yaml.safe_load((self.workspace / "action.yml").read_text())
        unknown = given.keys() - action["inputs"].keys()
        assert not unknown, f"inputs that the action does not have: {unknown}"
        # The runner fills defaults before it knows the action's path.
        defaults = {name: filled(str(about.get("default", "")), {}) for name, about in action["inputs"].items()}
        before, self.ok = self.ok, True
        found = self._steps(action["runs"]["steps"], {"inputs": defaults | dict(given)}, self.workspace)
        ok, self.ok = self.ok, before
        scope = {"steps": {name: {"outputs": values} for name, values in found.items()}}
        return {name: filled(about["value"], scope) for name, about in action["outputs"].items()}, ok

    def _script(self, script: str, env: Mapping[str, str], action: Path | None) -> tuple[dict[str, str], bool]:
        output = self.folder / "GITHUB_OUTPUT"
        output.write_text("")
        path = os.pathsep.join([*reversed(self.files["GITHUB_PATH"].read_text().split()), os.environ["PATH"]])
        names = {"GITHUB_OUTPUT": output, "RUNNER_TEMP": self.temp, "GITHUB_JOB": "job", **self.files}
        environment = {
            **self.runner.environment,
            "PATH": path,
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            **{key: str(value) for key, value in names.items()},
            **({"GITHUB_ACTION_PATH": str(action)} if action else {}),
            **env,
        }
        with (self.folder / "log").open("w+") as log:
            process = subprocess.Popen(
                [*BASH, script],
                cwd=self.workspace,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            while process.poll() is None:
                if self.kill and self.kill(self.workspace):
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    self.kill = None
                time.sleep(0.02)
            log.seek(0)
            self.log.append(log.read())
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return outputs, process.returncode == 0


def filled(text: str, scope: Mapping[str, Any]) -> str:
    """A text with its expressions replaced."""
    return EXPRESSION.sub(lambda match: lookup(match[1], scope), text)


def lookup(name: str, scope: Mapping[str, Any]) -> str:
    """A value of the context; empty where there is none, as in a workflow."""
    assert re.fullmatch(r"[\w-]+(\.[\w-]+)+", name), f"not understood: {name}"
    value: Any = scope
    for part in name.split("."):
        value = value.get(part, {}) if isinstance(value, Mapping) else {}
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value == {} else str(value)
