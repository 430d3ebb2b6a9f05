"""Workers as actors of a ray cluster: the same engine on many machines.

Every node needs this package and the same model under the same path (or hub id), which is checked. Without an address
ray joins the cluster in `RAY_ADDRESS`, or starts one on this machine that ends with the session.
"""

from __future__ import annotations

import logging
import os
import platform
import signal
import socket
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.data import pins
from harness.engines._workers import Copy, Lost, Request, Word
from harness.errors import HarnessError, UsageProblem
from harness.machine import is_offline
from harness.models import inspect, missing
from harness.text import first_line
from harness.types import EngineSettings

LOG = logging.getLogger(__name__)
PATIENCE = 10.0
"""Seconds for connecting to a cluster."""
AHEAD = 2
"""Calls under way at each actor: while the answer to one travels, it works on the next."""


class Actor:
    """One actor and the calls that it has not answered."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self.calls: deque[Any] = deque([handle.open.remote()])
        self._inbox: list[Request] = []
        self._outstanding = 0

    def give(self, requests: list[Request]) -> None:
        """Send requests with the next call."""
        self._inbox += requests
        self._outstanding += len(requests)
        self._call()

    def take(self) -> Word:
        """The answer to the oldest call.

        Raises:
            Lost: The actor or its node is dead.
        """
        import ray

        try:
            word: Word = ray.get(self.calls.popleft())
        except ray.exceptions.RayError as error:
            # The cause of a failed call, or why its actor is dead.
            raise Lost(first_line(getattr(error, "cause", None) or error)) from error
        if isinstance(word, list):
            self._outstanding -= len(word)
        self._call()
        return word

    def stop(self) -> None:
        """Kill it."""
        import ray

        ray.kill(self._handle)

    def _call(self) -> None:
        while len(self.calls) < AHEAD and (self._inbox or self._outstanding):
            requests, self._inbox = self._inbox, []
            self.calls.append(self._handle.work.remote(requests))


class NodeCopy:
    """A copy on a node, whose disk may hold another model by the same name.

    Args:
        engine: The engine's name.
        settings: Of the copy.
        sha256: Fingerprint of the model that is meant.
    """

    def __init__(self, engine: str, settings: EngineSettings, sha256: str | None) -> None:
        self._copy, self._sha256 = Copy(engine, settings), sha256

    def open(self) -> Word:
        """See that the model is the right one, and open the engine."""
        try:
            found = _fingerprint(self._copy.settings)
        except HarnessError as error:
            return error
        if found != self._sha256:
            problem = f"on {platform.node()}, {self._copy.settings.model} is another model than here"
            return UsageProblem(problem, "Copy the same files to every node.")
        return self._copy.open()

    def work(self, requests: Sequence[Request]) -> Word:
        """As `Copy.work`."""
        return self._copy.work(requests)


class Cluster:
    """A ray cluster.

    Args:
        engine: The engine's name.
        settings: Of one copy.
        count: How many copies.
        gpus: That each takes, where the cluster has any; otherwise each takes a processor.
        address: Of the cluster; None joins that of `RAY_ADDRESS` or starts one here.

    Raises:
        UsageProblem: ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, engine: str, settings: EngineSettings, count: int, gpus: int, address: str | None) -> None:
        try:
            import ray
        except ImportError as error:
            raise missing("ray", error) from error
        self._own = not ray.is_initialized()
        if self._own:
            _join(address)
        total = ray.cluster_resources()
        needs = {"GPU": gpus} if total.get("GPU") else {"CPU": 1}
        for name, each in needs.items():
            if count * each > total.get(name, 0):
                has = f"{total.get(name, 0):g}"
                LOG.warning(
                    "%d workers need %d %s, the cluster has %s: waiting for more", count, count * each, name, has
                )
        self._arguments = engine, _everywhere(settings), _fingerprint(settings)
        # Ray's own restart would lose what the actor was asked: whoever has the books replaces it.
        self._remote = ray.remote(NodeCopy).options(
            num_cpus=needs.get("CPU", 0), num_gpus=needs.get("GPU", 0), max_restarts=0, max_task_retries=0
        )

    def start(self, index: int) -> Actor:
        """Start an actor wherever there is room."""
        return Actor(self._remote.remote(*self._arguments))

    def wait(self, workers: Sequence[Actor]) -> Sequence[Actor]:
        """Those whose oldest call is answered or failed."""
        import ray

        calls = {worker.calls[0]: worker for worker in workers if worker.calls}
        ray.wait(list(calls), num_returns=1)
        done, _ = ray.wait(list(calls), num_returns=len(calls), timeout=0)
        return [calls[call] for call in done]

    def close(self) -> None:
        """Leave the cluster, which ends with it if it was started for this session."""
        import ray

        if self._own:
            ray.shutdown()
            self._own = False


def _join(address: str | None) -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    where = address or os.environ.get("RAY_ADDRESS") or "auto"
    here = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        if ":" in where:
            _knock(where)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageProblem(f"no ray cluster at {where}: {first_line(error)}", "Was `ray start` run?") from error
    finally:
        if here:  # ray takes SIGTERM for itself
            signal.signal(signal.SIGTERM, before)


def _knock(address: str) -> None:
    """See that somebody is there, `host:port` or `ray://host:port`: ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()


def _everywhere(settings: EngineSettings) -> EngineSettings:
    """Settings that mean the same in another process of another machine: absolute paths, offline as here."""

    def absolute(name: str | None) -> str | None:
        here = Path(name or "").expanduser()
        local = here.is_dir() or here.suffix == ".gguf"
        return str(here.absolute()) if name and name not in ("tiny", *pins.models()) and local else name

    return replace(
        settings,
        model=absolute(settings.model) or settings.model,
        adapter=absolute(settings.adapter),
        tokenizer=absolute(settings.tokenizer),
        offline=is_offline(settings.offline),
    )


def _fingerprint(settings: EngineSettings) -> str | None:
    found = inspect(settings.model, adapter=settings.adapter, revision=settings.revision, offline=settings.offline)
    return found.sha256
