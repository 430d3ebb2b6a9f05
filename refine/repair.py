"""Stages 4 and 5 have one shape: judge the answer; where it is wrong, regenerate it and judge again."""

from __future__ import annotations

from dataclasses import replace

from harness.types import Example
from refine import checks, material
from refine.judge import Question, text_schema
from refine.types import Ask, Asking, Context, Ruling, Stage

REWRITE = Question("rewrite", text_schema("answer"))
HOPELESS = ("decode", "function")
"""Findings that make a new answer a failed attempt, whatever a judge would say of it: nobody has vouched for it yet."""


def judge_and_repair(stage: Stage, free: tuple[str, ...], example: Example, context: Context) -> Asking:
    """Ask until the answer is right or the attempts are used up.

    Args:
        stage: The stage; its question about the answer is a yes-or-no one.
        free: Free checks whose finding, where decisive, stands for a "no" of the judge.
        example: The example to judge.
        context: Settings; `max_attempts` regenerations at most.

    Returns:
        `next` with the right answer, `hard` when the attempts are used up, `unjudged` without a readable reply.

    Yields:
        The question, and after each "no" a request for a new answer.
    """
    seen = material.of(example, "query", "tools")
    original, repairs, said = example, 0, "wrong"
    while True:
        found = checks.answer_findings(example)
        decisive = replace(context, findings=found).found(*free)
        useless = next((each for each in found if each.check in HOPELESS), None) if repairs else None
        if decisive:
            reason = decisive.message
        elif useless:
            reason = f"{said}; the new answer: {useless.message}"
        else:
            verdict = yield Ask(stage.name, stage.question, seen | material.of(example, "answer"))
            if verdict is None:
                return Ruling("unjudged", original, "no readable judgement", repairs)
            reason = said = verdict["reason"]
            if verdict["verdict"] == "yes":
                return Ruling("next", example, reason, repairs)
        if repairs == context.max_attempts:
            return Ruling("hard", original, reason, repairs)
        repairs += 1
        problem = {"What is wrong with it": reason}
        rewritten = yield Ask(stage.name, REWRITE, seen | material.of(example, "answer") | problem)
        if rewritten is None:
            return Ruling("unjudged", original, "no readable new answer", repairs)
        example = replace(example, answer=rewritten["answer"].strip())
