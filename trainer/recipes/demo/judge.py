"""A judge that is a script: it looks the truth up, and errs at a known rate in places that a digest decides.

It speaks the OpenAI protocol on a local port, so that `refine` asks it as it would ask any model. Its verdicts measure
what the refinement makes of a judge with these faults; they say nothing of what a language model would answer.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness import supervisor
from harness.benchmarks.bfcl.decode import read_calls
from harness.errors import RunIncomplete
from refine import stages
from trainer.recipes.demo.source import CONCLUSION, STATEMENT, Truth, words

YES_TO_WRONG = 0.05
"""Share of wrong records that the judge accepts, at each question."""
NO_TO_RIGHT = 0.03
"""Share of right records that it refuses, at each question."""

_QUOTED = re.compile(r"^([\w ]+):\n<<(\w+)\n(.*?)\n\2>>$", re.MULTILINE | re.DOTALL)


class Judge:
    """Answers the questions of refine's stages.

    Args:
        truths: What is true of each record.
    """

    def __init__(self, truths: Iterable[Truth]) -> None:
        self._answers = {truth.query: truth.answer for truth in truths}
        asked = stages.questions(stages.load())
        self._questions = {question.instructions: name for name, question in asked.items()}

    def reply(self, system: str, user: str) -> str:
        """Answer one question.

        Args:
            system: The instructions of a question.
            user: The record, quoted.

        Returns:
            A JSON object as the instructions ask for it.
        """
        question = self._questions[system.strip()]
        quoted = {heading: text for heading, _, text in _QUOTED.findall(user)}
        text, right = quoted.get("Reference answer", ""), self._answers.get(quoted.get("Conversation", ""))
        luck = _luck(question, quoted)
        if question == "rewrite":
            return json.dumps({"answer": text if right is None or luck < YES_TO_WRONG else right})
        fine = verdict(question, quoted.get("Chain of thought", ""), text, right)
        fine ^= luck < (NO_TO_RIGHT if fine else YES_TO_WRONG)
        return json.dumps({"reason": "scripted", "verdict": "yes" if fine else "no"})


def verdict(question: str, reason: str, text: str, right: str | None) -> bool:
    """What a faultless judge says.

    Args:
        question: Name of a stage.
        reason: The chain of thought, where the question shows it.
        text: The answer, where the question shows it.
        right: The right answer; None where there is none.

    Returns:
        Whether the record passes.
    """
    match question:
        case "response":
            return not set("([{=").isdisjoint(text)
        case "query":
            return right not in (None, STATEMENT)
        case "cot":
            return concludes(reason, text)
        case "arguments":
            return right is not None and same(text, right)
        case _:
            return read_calls(text) is not None


def concludes(reason: str, text: str) -> bool:
    """Whether the reasoning ends with the calls of the answer, whatever its notation, or with none for a statement."""
    lines = reason.splitlines()
    concluded = [after for line, after in pairwise(lines) if line == CONCLUSION]
    return not concluded if text == STATEMENT else words(" ".join(concluded)) == words(text)


def same(text: str, right: str) -> bool:
    """Whether two answers make the same calls, or, where one does not decode, have the same words."""
    got, want = read_calls(text), read_calls(right)
    return words(text) == words(right) if got is None or want is None else got == want


def _luck(question: str, quoted: Mapping[str, str]) -> float:
    """A number from 0 to 1 that depends on what is asked only."""
    digest = hashlib.sha256(json.dumps([question, *sorted(quoted.items())]).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def read_truths(paths: Iterable[Path]) -> list[Truth]:
    """What was written beside the records."""
    return [Truth(**json.loads(line)) for path in paths for line in path.read_text("utf-8").splitlines()]


def server(judge: Judge) -> ThreadingHTTPServer:
    """A judge behind a free local port.

    Args:
        judge: The judging model.

    Returns:
        The server, which does not serve yet.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            self._send({"data": [{"id": "scripted"}]})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            system, user = (str(message["content"]) for message in asked["messages"][:2])
            text = judge.reply(system, user)
            usage = {"prompt_tokens": len((system + user).split()), "completion_tokens": len(text.split())}
            message = {"role": "assistant", "content": text}
            self._send({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage})

        def _send(self, body: Mapping[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@contextmanager
def serving(truths: Iterable[Path]) -> Iterator[str]:
    """A judge as a program of its own, which ends with this one.

    Args:
        truths: Files of what it knows.

    Yields:
        Its address.

    Raises:
        RunIncomplete: It did not start.
    """
    command = supervisor.supervised((sys.executable, "-m", "trainer.recipes.demo", "judge", *map(str, truths)))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        if not (url := process.stdout.readline().strip()):
            raise RunIncomplete("the scripted judge did not start")
        try:
            yield url
        finally:
            process.stdin.close()
