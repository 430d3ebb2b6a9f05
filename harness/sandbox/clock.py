"""How much time a job has had, measured from outside: what a wall clock shows on a machine with nothing else to do."""

from __future__ import annotations

import contextlib
import os
import time

_NANOSECONDS = 1e-9
_FOLDER_LINKS = 2
"""Of any folder, one of its own and one of its parent."""


class JobClock:
    """Effective seconds of another process: elapsed time without the time it stood in the queue for a processor.

    A limit on CPU time alone lets a program sleep, a limit on elapsed time fails slow programs on a busy machine. Where
    the kernel does not tell the queueing time, a quarter of the elapsed time stands in for it. The CPU time of all
    threads counts where it is more.

    Args:
        pidfd: The process.
    """

    def __init__(self, pidfd: int) -> None:
        self._start = time.monotonic()
        self._last = 0.0
        self._schedstat: int | None = None
        self._tasks: int | None = None
        process = _process_number(pidfd)
        self._gone = process < 0
        self._cpu = ((~process) << 3) | 2  # CPUCLOCK_SCHED of a process, as clock_getcpuclockid() makes it
        with contextlib.suppress(OSError):
            self._schedstat = os.open(f"/proc/{process}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
            self._tasks = os.open(f"/proc/{process}/task", os.O_RDONLY | os.O_CLOEXEC)

    def seconds(self) -> float:
        """Effective seconds since this clock was made; stands still once the process is gone."""
        elapsed = time.monotonic() - self._start
        if self._gone:
            return self._last
        try:
            cpu = time.clock_gettime(self._cpu)
            self._last = max(self._last, cpu, self._without_queueing(elapsed))
        except OSError:
            return self._last
        return self._last

    def _without_queueing(self, elapsed: float) -> float:
        if self._schedstat is None:
            return elapsed / 4
        queued = int(os.pread(self._schedstat, 100, 0).split()[1])
        return elapsed - queued * _NANOSECONDS

    def threads(self) -> int:
        """Threads of the process now; 0 where the kernel does not tell."""
        if self._tasks is None:
            return 0
        try:
            return os.fstat(self._tasks).st_nlink - _FOLDER_LINKS  # the folder holds one for each
        except OSError:
            return 0

    def close(self) -> None:
        """Free the descriptors."""
        for descriptor in (self._schedstat, self._tasks):
            if descriptor is not None:
                os.close(descriptor)
        self._schedstat = self._tasks = None


def _process_number(pidfd: int) -> int:
    """The process's number in this process's own namespace, -1 if it has ended."""
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    number = int(fields["Pid"])
    if number == 0:
        raise OSError("the job's process cannot be seen from here, so its time cannot be measured")
    return number
