"""A walk becomes a conversation: for each turn an advanced tool, a query, attempts with a critic, and judges.

    advanced tool ─ query ⇄ checks, judge ─ attempts ⇄ checks, critic ─ judges of answer and thoughts ─ next turn

A generator, as a way through the stages of `refine run` is: it yields questions, is sent answers, and returns what
became of it. All that is asked follows from the walk and the answers, so a killed run goes on from its books.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.data.calls import answer_of
from harness.data.turns import said_by, tools_of, with_answer
from harness.errors import HarnessError
from harness.types import Example, FunctionCall, Message
from refine.environments import Environment
from refine.judge import Answer
from refine.synth import roles
from refine.synth.attempt import Attempt, Talk, Unanswered
from refine.synth.choices import choice_problem, choices
from refine.synth.said import holds, leaves, query_problem, spoken, told
from refine.synth.types import Trace, Turn, to_json
from refine.types import Ask, ExampleOutcome, Result, Way

ANNOUNCED = "From now on you also have this function:"
"""Before the document of a function that was missing; BFCL's own sentence belongs to its test."""
CLEAN = "A thought may speak of the conversation and the tools alone."
"""Note after a thought that showed help: the reason itself would name it again."""
NOTHING: Mapping[str, str] = {"name": "", "description": "nothing that the tools can do", "inputs": "", "outputs": ""}

Told = Generator[Ask, Answer | None, Message]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a conversation must keep to."""

    max_attempts: int = 3
    """Attempts at a turn (K_max; unpublished in the paper)."""
    max_queries: int = 3
    """Messages of a user that are written before a turn is given up."""
    objection: Callable[[Sequence[Message], Sequence[Sequence[FunctionCall]]], str | None] = lambda messages, calls: (
        None
    )
    """What speaks against a finished conversation: its messages, and the calls of each turn."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Goes into the source of every conversation: who plays which role, the environment's options."""


class _Over(Exception):
    """The conversation has come to its end before its last turn."""

    def __init__(self, outcome: ExampleOutcome, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.stage = outcome, stage


def converse(trace: Trace, environment: Environment, rules: Rules) -> Way:
    """A conversation on its way.

    Args:
        trace: What was walked.
        environment: Where.
        rules: Limits.

    Returns:
        `kept`; `hard` where the attempts at a turn are used up: the example then ends with the turn's first calls;
        `dropped` where no query or a benchmark's own words came of it; `unjudged` where a role gave no readable reply.

    Yields:
        Questions; the answer is sent back.
    """
    return (yield from _Conversation(trace, environment, rules).way())


class _Conversation:
    def __init__(self, trace: Trace, environment: Environment, rules: Rules) -> None:
        self.trace, self.environment, self.rules = trace, environment, rules
        documents = {str(tool["name"]): tool for tool in environment.tools()}
        missing = {turn.held_back.tool for turn in trace.turns if turn.held_back and turn.held_back.parameter is None}
        self.documents = documents
        self.talk = Talk(environment, trace, [documents[name] for name in trace.plan.tools if name not in missing])
        self.log: list[dict[str, Any]] = []
        self.calls: list[list[FunctionCall]] = []

    def way(self) -> Way:
        """Turn after turn."""
        try:
            for turn in self.trace.turns:
                yield from self._turn(turn)
        except Unanswered as problem:
            return self._result("unjudged", problem.stage, str(problem))
        except HarnessError as problem:
            return self._result("unjudged", "environment", str(problem))
        except _Over as end:
            return self._result(end.outcome, end.stage, str(end))
        if why := self.rules.objection(self.talk.messages, self.calls):
            return self._result("dropped", "decontaminate", why)
        return self._result("kept", "end", "")

    def _turn(self, turn: Turn) -> Generator[Ask, Answer | None, None]:
        advanced: Mapping[str, Any] = NOTHING
        if turn.steps:
            advanced = yield from _asked("tool", {"Calls": _walked(turn)})
        about: dict[str, Any] = {"kind": turn.kind, "tool": dict(advanced), "queries": [], "attempts": []}
        self.log.append(about)
        query = yield from self._query(turn, advanced, about["queries"])
        self.talk.messages.append({"role": "user", "content": query})
        notes: tuple[str, ...] = ()
        for _ in range(self.rules.max_attempts):
            attempt = Attempt.at(self.talk, turn, advanced, notes)
            try:
                yield from attempt.run(self._tell)
                failed = attempt.problem
                note = (yield from self._criticised(attempt)) if failed else ""
                if not failed:
                    failed, note = yield from self._judged(attempt)
            finally:
                attempt.world.close()
            about["attempts"].append(failed or "")
            if not failed:
                self._accept(attempt)
                return
            notes = (*notes, note)
        raise _Over("hard", "attempts", about["attempts"][-1])

    def _query(self, turn: Turn, advanced: Mapping[str, str], log: list[str]) -> Generator[Ask, Answer | None, str]:
        which = choices(turn, self.trace)
        material = {
            "Kind of message": turn.kind,
            "What is wanted": f"{advanced['description']}\nReturns: {advanced['outputs']}",
            "Values that only the person can know": _listed(told(turn)),
            "Which one of several": "\n".join(choice.told() for choice in which),
            "Held back": _held(turn),
            "Conversation so far": spoken(self.talk.messages),
        }
        seen = {key: text for key, text in material.items() if text}
        for _ in range(self.rules.max_queries):
            query = (yield from _asked("query", seen))["query"].strip()
            why = query_problem(query, turn, self.talk.messages, self.environment.tools())
            why = why or choice_problem(query, self.talk.messages, which)
            if not why and query:
                asked = [*self.talk.messages, {"role": "user", "content": query}]
                judged = {
                    "Kind of message": turn.kind,
                    "Conversation": spoken(asked),
                    "Tools": json.dumps(tools_of(self.talk.tools, self.talk.messages), ensure_ascii=False),
                }
                verdict = yield from _asked("query_judge", judged)
                if verdict["verdict"] == "yes":
                    return query
                why = verdict["reason"]
            log.append(why or "it is empty")
            seen["An earlier message, and what is wrong with it"] = f"{query}\n{log[-1]}"
        raise _Over("dropped", "query", log[-1] if log else "no message was asked for")

    def _tell(self, attempt: Attempt) -> Told:
        """What the user says when the assistant has asked for what was held back."""
        held = attempt.turn.held_back
        assert held is not None
        if held.parameter is None:
            document = self.documents[held.tool]
            text = f"{ANNOUNCED}\n{json.dumps(document, ensure_ascii=False)}"
            return {"role": "user", "content": text, "tools": [document]}
        material = {
            "Kind of message": "telling",
            "Values that only the person can know": _listed([(held.parameter, held.value)]),
            "Conversation so far": spoken(attempt.messages),
        }
        answer = yield from _asked("query", material)
        text = answer["query"].strip()
        if not all(holds(text, leaf) for leaf in leaves(held.value)):
            text = f"{text}\n{held.value}".strip()
        return {"role": "user", "content": text}

    def _criticised(self, attempt: Attempt) -> Generator[Ask, Answer | None, str]:
        """What the critic says to a failed attempt."""
        if not attempt.turn.steps or "thought" in (attempt.problem or ""):
            return CLEAN if "thought" in (attempt.problem or "") else "Nothing is to be called in this turn."
        start = len(self.talk.messages)
        material = {
            "Request": spoken(self.talk.messages[-1:]),
            "Attempt": spoken(attempt.messages[start:]),
            "What went wrong": attempt.problem or "",
            "Calls that do it": _walked(attempt.turn),
        }
        return str((yield from _asked("critic", material))["reason"])

    def _judged(self, attempt: Attempt) -> Generator[Ask, Answer | None, tuple[str | None, str]]:
        """What the judges have against an attempt that passed, and the note on it."""
        material = {"Conversation": spoken(attempt.messages)}
        answer = yield from _asked("answer_judge", material)
        if answer["verdict"] == "no":
            return f"the answer: {answer['reason']}", str(answer["reason"])
        start = len(self.talk.messages)
        thoughts = [str(each["reasoning_content"]) for each in attempt.messages[start:] if "reasoning_content" in each]
        answer = yield from _asked("thought_judge", material | {"Thoughts": "\n\n".join(thoughts)})
        return (f"a thought: {answer['reason']}", CLEAN) if answer["verdict"] == "no" else (None, "")

    def _accept(self, attempt: Attempt) -> None:
        talk = self.talk
        talk.messages = attempt.messages
        talk.done += attempt.calls
        talk.results += attempt.results
        talk.errors |= attempt.showed_error
        self.calls.append(attempt.calls)

    def _result(self, outcome: ExampleOutcome, stage: str, reason: str) -> Result:
        failed = sum(bool(why) for turn in self.log for why in turn["attempts"])
        return Result(outcome, stage, reason, self._example(outcome), failed)

    def _example(self, outcome: ExampleOutcome) -> Example:
        """The conversation; its last reply is the answer, or the walk's next calls where nobody made them."""
        plan = self.trace.plan
        source = {
            "synthesised": plan.environment,
            "digest": plan.digest,
            "seed": plan.seed,
            "number": plan.number,
            "trace": to_json(self.trace),
            "attempts": self.log,
            **self.rules.source,
            "error_tool_response": self.talk.errors,
            **({"benchmark_environment": self.trace.benchmark} if self.trace.benchmark else {}),
        }
        messages = self.talk.messages
        example = Example(f"{plan.seed}-{plan.number}", tuple(messages), tuple(self.talk.tools), None, "", source)
        if messages and messages[-1]["role"] == "assistant":
            return with_answer(example, said_by(messages[-1]), messages=tuple(messages[:-1]))
        turn = self.trace.turns[len(self.calls)] if outcome == "hard" else None
        first = [step.call for step in turn.levels[0]] if turn and turn.levels else []
        return with_answer(example, said_by({"content": answer_of(first) if first else ""}))


def _asked(stage: str, material: Mapping[str, str]) -> Generator[Ask, Answer | None, Answer]:
    """Ask a role.

    Raises:
        Unanswered: Its reply cannot be read.
    """
    answer = yield Ask(stage, roles.QUESTIONS[stage], material)
    if answer is None:
        raise Unanswered(stage)
    return answer


def _walked(turn: Turn) -> str:
    """The calls of a turn with their results, a line each."""
    return "\n".join(
        json.dumps({"call": answer_of([step.call])[1:-1], "result": step.result}, ensure_ascii=False)
        for step in turn.steps
    )


def _listed(values: Sequence[tuple[str, Any]]) -> str:
    return "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values)


def _held(turn: Turn) -> str:
    held = turn.held_back
    return held.parameter if held and held.parameter else ""
