"""A program that is asked one thing after the other, in every backend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from harness.sandbox.pool import Program, Sandbox, SandboxFault
from harness.sandbox.session import LONGEST_ANSWER, Session, SessionEnded

COUNTER = """
said = []
def answer(text):
    said.append(text)
    return " ".join(said)
"""


@contextlib.contextmanager
def opened(sandbox: Sandbox, code: str, **settings: float) -> Iterator[Session]:
    session = Session(sandbox, code, "answer", **settings)
    with contextlib.closing(session):
        yield session


def answering(body: str) -> str:
    return f"import os, sys, threading, time\ndef answer(text):\n    {body}"


def test_state_stays_between_questions(sandbox: Sandbox) -> None:
    with opened(sandbox, COUNTER) as session:
        assert [session.ask(text, 1.0) for text in ("a", "ü\n", "\ud800")] == ["a", "a ü\n", "a ü\n \ud800"]
    with opened(sandbox, COUNTER) as session:
        assert session.ask("new", 1.0) == "new"


def test_long_questions_and_answers_come_through(sandbox: Sandbox) -> None:
    with opened(sandbox, answering("return text * 2")) as session:
        assert session.ask("x" * 1_500_000, 5.0) == "x" * 3_000_000
        assert session.ask("y", 1.0) == "yy"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("while True: pass", "took longer than 0.3 s"),
        ("time.sleep(60)", "took longer than 0.3 s"),
        ("raise ValueError('no such book')", "ValueError: no such book"),
        ("os._exit(0)", "the program ended"),
        ("return 7", "not text"),
        (f"return 'x' * {LONGEST_ANSWER + 1}", "too long"),
        ("[os.write(fd, b'\\xff' * 99) for fd in range(3, 64)]", "OSError|not an answer|not text"),
    ],
)
def test_a_program_that_gives_no_answer_ends(sandbox: Sandbox, body: str, why: str) -> None:
    session = Session(sandbox, answering(body), "answer")
    with pytest.raises(SessionEnded, match=why):
        session.ask("x", 0.3)
    with pytest.raises(SessionEnded, match="closed"):
        session.ask("x", 0.3)
    with opened(sandbox, COUNTER) as session:
        assert session.ask("next", 1.0) == "next"


def test_a_program_that_does_not_start_says_why(sandbox: Sandbox) -> None:
    with pytest.raises(SessionEnded, match="SyntaxError"):
        Session(sandbox, "def answer(", "answer")
    with pytest.raises(SessionEnded, match="took longer"):
        Session(sandbox, "while True: pass", "answer", seconds=0.2)


def test_a_session_holds_its_server_and_gives_it_back(sandbox: Sandbox) -> None:
    with opened(sandbox, COUNTER), pytest.raises(SandboxFault, match="in use"):
        Session(sandbox, COUNTER, "answer")
    program = Program("def f(): return 1", "f", b"[\x01\x00\x00\x00[\x00\x00\x00\x00", [1.0], 5.0)
    with sandbox.run(program) as results:
        assert [result.kind for result in results] == ["value"]


def test_files_and_network_are_out_of_reach(sandbox: Sandbox) -> None:
    reach = "import socket\ndef answer(text):\n    return str(eval(text))"
    with opened(sandbox, reach) as session, pytest.raises(SessionEnded, match="Error"):
        session.ask("open('/etc/passwd').read()", 1.0)
    with opened(sandbox, reach) as session, pytest.raises(SessionEnded, match="Error"):
        session.ask("socket.socket()", 1.0)
