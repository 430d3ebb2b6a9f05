"""A program that stays: it is asked one thing after the other and keeps its state between them.

    with contextlib.closing(Session(sandbox, code, "answer")) as session:
        session.ask({"question": 1}, seconds=2.0)

The program runs as any other, with all layers and limits; what it is asked comes to it by one more pipe. What it
answers is its own word and is read as such: text, bounded in length. It holds a fork server while it lives.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import time

from harness.errors import HarnessError
from harness.sandbox import frames, values
from harness.sandbox.job import SIZE, THREADS
from harness.sandbox.pool import Program, Sandbox, SandboxFault, believe, clock_of

LONGEST_ANSWER = 4 << 20
"""Bytes of one answer."""
_READ = 1 << 20
_WAIT = 0.02
"""Seconds between two looks at the clock and at the threads."""
_TEXT = 300
_SOON = 30.0
"""Seconds that the sandbox has to be ready; the program's own time begins after that."""


class SessionEnded(HarnessError):
    """The program does not answer any more: it raised, died, took too long or said what cannot be read."""


class Session:
    """A program at work.

    Args:
        sandbox: Where it runs.
        code: The program.
        entry_point: Its function: takes one text, returns a text.
        seconds: Effective seconds for executing the program before it is first asked.
        lifetime: CPU seconds for everything together.

    Raises:
        SandboxFault: The sandbox failed, or has no server free.
        SessionEnded: The program did not get as far as to be asked.
    """

    def __init__(
        self, sandbox: Sandbox, code: str, entry_point: str, seconds: float = 10.0, lifetime: float = 600.0
    ) -> None:
        worker = sandbox.lend()
        if worker is None:
            raise SandboxFault("all processes of the sandbox are in use", "Close a session before the next one.")
        self._sandbox, self._worker, self._open = sandbox, worker, True
        theirs, self._requests = os.pipe()
        program = Program(code, entry_point, b"", (), lifetime, body_limit=LONGEST_ANSWER)
        try:
            self._server = worker.started()
            self._channel, self._handle = worker.begin(self._server.control, program, theirs)
        except OSError as error:
            worker.close()
            os.close(self._requests)
            sandbox.take_back(worker)
            raise SandboxFault(f"the sandbox server could not run a program: {error}") from error
        finally:
            os.close(theirs)
        os.set_blocking(self._requests, False)
        self._reader = frames.FrameReader(LONGEST_ANSWER)
        self._counted = bool(self._server.confinement["counted_threads"])
        try:
            self._clock = clock_of(self._handle)
            believe(self._frame(_SOON))
            self._expect(self._frame(seconds), frames.LOADED)
        except BaseException:
            self.close()
            raise

    def ask(self, text: str, seconds: float) -> str:
        """Call the program's function.

        Args:
            text: Its argument.
            seconds: Effective seconds it may take.

        Returns:
            What it returned.

        Raises:
            SessionEnded: It gave no readable answer in time; the session is closed.
        """
        if not self._open:
            raise SessionEnded("the session is closed")
        try:
            request = marshal.dumps([text], 2)
            self._write(SIZE.pack(len(request)) + request, seconds)
            return self._text(self._expect(self._frame(seconds), frames.VALUE))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the program. Safe to call twice."""
        if not self._open:
            return
        self._open = False
        os.close(self._requests)
        os.close(self._channel)
        if hasattr(self, "_clock"):
            self._clock.close()
        self._worker.finish(self._server.control, self._handle)
        self._sandbox.take_back(self._worker)

    def _write(self, data: bytes, seconds: float) -> None:
        end = time.monotonic() + seconds
        while data:
            with contextlib.suppress(BlockingIOError):
                try:
                    data = data[os.write(self._requests, data) :]
                except BrokenPipeError:
                    raise SessionEnded("the program ended before it was asked") from None
            if data and not select.select([], [self._requests], [], _WAIT)[1] and time.monotonic() > end:
                raise SessionEnded("the program does not take what it is asked")

    def _frame(self, seconds: float) -> frames.Frame:
        """The next frame."""
        end = self._clock.seconds() + seconds
        poller = select.poll()
        poller.register(self._channel, select.POLLIN)
        while True:
            try:
                frame = self._reader.next()
            except frames.Malformed as error:
                raise SessionEnded(f"the program wrote what is not an answer: {error}") from None
            if frame is not None:
                return frame
            if not self._counted and self._clock.threads() > THREADS:
                raise SessionEnded(f"the program had more than {THREADS} threads")
            if poller.poll(_WAIT * 1000):
                data = os.read(self._channel, _READ)
                if not data:
                    raise SessionEnded("the program ended: memory, CPU time, full folder or an exit of its own")
                self._reader.feed(data)
            elif self._clock.seconds() >= end:
                raise SessionEnded(f"the program took longer than {seconds:.3g} s")

    def _expect(self, frame: frames.Frame, kind: int) -> frames.Frame:
        if frame.kind == frames.RAISED:
            raise SessionEnded(frame.body[:_TEXT].decode("utf-8", "replace"))
        if frame.kind != kind:
            raise SessionEnded("the program answered with something that is not text")
        return frame

    def _text(self, frame: frames.Frame) -> str:
        try:
            value = values.decode(frame.body) if frame.body else None
        except values.Unreadable as error:
            raise SessionEnded(f"the program's answer cannot be read: {error}") from None
        if not isinstance(value, str):
            raise SessionEnded("the program answered with something that is not text, or too long")
        return value
