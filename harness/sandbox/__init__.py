"""Run code that a model wrote, and nothing else.

    configure(backend="auto", workers=2, memory=4 << 30)
    with shared().run(Program(code, "add", marshal.dumps([[1, 2]], 2), limits=[1.0], budget=5.0)) as results:
        for result in results: ...

The judge (this process) keeps tests and expected outputs and decides every verdict. A warm fork server (`server`) in
namespaces of its own forks one confined process (`job`) for each program; values come back as digests and bounded
bytes (`values`, `frames`). `README.md` in this folder says what is covered and what is not.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sandbox.pool import Sandbox

_lock = _thread.allocate_lock()
"""Not of `threading`: fork servers import this package too, and that module would make each of their forks dearer."""
_settings: dict[str, Any] = {}
_open: list[Sandbox] = []


def configure(*, backend: str = "auto", workers: int | None = None, memory: int | None = None) -> None:
    """Say how programs are run from now on in this process; an open sandbox is closed.

    Args:
        backend: A backend's name, or `auto` for the strongest that works.
        workers: Programs at once; None for as many as processors and memory allow.
        memory: Bytes of address space for one program; None for 4 GiB.
    """
    close()
    _settings.update(backend=backend, workers=workers)
    _settings.pop("memory", None)
    if memory is not None:
        _settings["memory"] = memory


def shared() -> Sandbox:
    """The process's sandbox, opened when it is first needed.

    Returns:
        One sandbox for all threads.

    Raises:
        SandboxUnavailable: Nothing on this machine can hold a program.
    """
    with _lock:
        if not _open:
            from harness.sandbox.pool import Sandbox

            _open.append(Sandbox(**_settings))
        return _open[0]


def is_open() -> bool:
    """Whether the process's sandbox is open: work that nobody waits for ends with it."""
    return bool(_open)


def warm(tell: Callable[[str], None]) -> None:
    """Start the shared sandbox's processes in the background; what goes wrong is told by `shared`.

    Args:
        tell: Told which sandbox it is and what it does not cover.
    """
    import threading

    threading.Thread(target=_warm, args=(tell,)).start()


def _warm(tell: Callable[[str], None]) -> None:
    from harness.errors import HarnessError

    with contextlib.suppress(HarnessError):
        tell(shared().description)
        shared().warm()


@atexit.register
def close() -> None:
    """End the shared sandbox's processes."""
    with _lock:
        while _open:
            _open.pop().close()


def describe() -> dict[str, Any]:
    """What this machine offers: every backend with its layers, or the reason why it does not work."""
    from harness.sandbox import backends

    return backends.describe()
