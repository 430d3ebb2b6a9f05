"""An OpenAPI document as an environment: against a mock of it, or against a service on this machine.

    openapi:shelves.yaml                                                       the mock
    openapi:shelves.yaml   with --env-args base_url=http://127.0.0.1:8080,reset=resetAll

A service is used only on a loopback address, and only with an operation that resets it, or for reading.
"""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageProblem, unknown_name
from harness.types import FunctionCall, Tool
from refine.environments import Outcome, World, check_options
from refine.environments._mock import Mock
from refine.environments._operations import Operation, operations, read
from refine.environments._worlds import WorldLost, Worlds

OPTIONS = {
    "base_url": "a service on this machine in place of the mock",
    "reset": "the operation that resets the service (it is given `seed`)",
    "state": "the operation that shows the whole state",
    "read_only": "`true`: only GET operations",
    "seconds": "for one call (30)",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Service:
    """A document and what carries it out."""

    benchmark = ""
    values: Mapping[str, Any] = {}

    def __init__(self, target: str, options: Mapping[str, Any]) -> None:
        check_options("openapi", options, OPTIONS)
        self.name = f"openapi:{target}"
        self._base = str(options.get("base_url", "")).rstrip("/")
        self._reset, self._state = str(options.get("reset", "")), str(options.get("state", ""))
        self._read_only = str(options.get("read_only", "")).lower() == "true"
        self._seconds = float(options.get("seconds", 30))
        document = read(Path(target))
        self._operations = {each.name: each for each in operations(document)}
        self._check()
        self.shows_state = not self._base or bool(self._state) or self._read_only
        described = json.dumps([document, dict(options)], sort_keys=True, default=str)
        self.digest = hashlib.sha256(described.encode()).hexdigest()
        self._worlds = Worlds(self._start, 1)

    def tools(self) -> tuple[Tool, ...]:
        """The operations, without those that reset the service and show its state."""
        shown = (each for each in self._operations.values() if each.name not in (self._reset, self._state))
        return tuple(each.tool for each in shown if not self._read_only or each.method == "get")

    def fresh(self, seed: int) -> World:
        """A mock with resources of its own, or the service reset."""
        return self._worlds.fresh(seed) if self._base else Mock(self._operations, seed)

    def close(self) -> None:
        """Nothing is held."""

    def _check(self) -> None:
        if not self._operations:
            raise UsageProblem(f"{self.name} has no operation", "Its `paths` are the tools.")
        for name in filter(None, (self._reset, self._state)):
            if name not in self._operations:
                raise unknown_name(f"operation of {self.name}", name, self._operations)
        if not self._base:
            return
        if urllib.parse.urlsplit(self._base).hostname not in LOOPBACK:
            raise UsageProblem(
                f"base_url={self._base} is not on this machine",
                "Calls are tried out by the thousand: run a copy of the service here, or leave base_url out.",
            )
        if not self._reset and not self._read_only:
            raise UsageProblem(
                f"{self.name} cannot be reset, so what a call does there would stay",
                "Add reset=OPERATION or read_only=true to --env-args, or leave base_url out for the mock.",
            )

    def _start(self, seed: int) -> World:
        remote = _Remote(self._operations, self._base, self._state, self._seconds)
        if self._reset:
            takes = self._reset_takes_seed()
            outcome = remote.execute(FunctionCall(self._reset, {"seed": seed} if takes else {}))
            if outcome.error:
                raise UsageProblem(f"{self.name}: {self._reset} failed: {outcome.text[:300]}", "Mend that operation.")
        return remote

    def _reset_takes_seed(self) -> bool:
        return "seed" in self._operations[self._reset].tool["parameters"]["properties"]


class _Remote:
    """The service itself."""

    def __init__(self, known: Mapping[str, Operation], base: str, state: str, seconds: float) -> None:
        self._operations, self._base, self._state, self._seconds = known, base, state, seconds

    def execute(self, call: FunctionCall) -> Outcome:
        """Carry out a call; an answer from status 400 on is an error."""
        operation = self._operations.get(call.name)
        if operation is None:
            return Outcome(f"Error: there is no operation {call.name!r}", error=True)
        missing = [name for name in operation.in_path if name not in call.arguments]
        if missing:
            return Outcome(f"Error: {missing[0]} is missing", error=True)
        try:
            request = self._request(operation, call.arguments)
            with urllib.request.urlopen(request, timeout=self._seconds) as answer:
                return Outcome(answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode("utf-8", "replace")
            return Outcome(said or f"Error: {error.code} {error.reason}", error=True)
        except OSError as error:
            raise WorldLost(f"{self._base} does not answer: {error}") from None

    def state(self) -> Any:
        """What the state's operation shows."""
        if not self._state:
            return None
        text = self.execute(FunctionCall(self._state, {})).text
        try:
            return json.loads(text)
        except ValueError:
            return text

    def close(self) -> None:
        """Nothing is held."""

    def _request(self, operation: Operation, arguments: Mapping[str, Any]) -> urllib.request.Request:
        path = operation.path
        for name in operation.in_path:
            path = path.replace(f"{{{name}}}", urllib.parse.quote(str(arguments[name]), safe=""))
        query = {name: arguments[name] for name in operation.in_query if name in arguments}
        body: Any = {name: arguments[name] for name in operation.in_body if name in arguments}
        body = body.get("body") if operation.whole_body else body
        data = json.dumps(body).encode() if operation.in_body else None
        url = self._base + path + (f"?{urllib.parse.urlencode(query, doseq=True)}" if query else "")
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return urllib.request.Request(url, data, headers, method=operation.method.upper())


class _OpenApi:
    name = "openapi"

    def open(self, target: str, options: Mapping[str, Any]) -> Service:
        """Open a document."""
        return Service(target, options)


PLUGIN = _OpenApi()
