"""A conversation judged turn by turn: each assistant turn that is learnt goes through the stages with what came before.

A later turn was written in the light of earlier ones and of what their calls returned. An earlier answer that is wrong
is therefore not regenerated: its results would belong to other calls, so the whole record is hard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from harness.data.turns import turns
from harness.types import Example
from refine import checks
from refine.types import Context, Finding, Item, Result, Stage, Way


def begin(
    examples: Iterable[tuple[int, Example, Sequence[Finding]]], stages: Sequence[Stage], context: Context
) -> Iterator[Item]:
    """Examples at the start of their way through the stages.

    Args:
        examples: Index, example and what was found in it as a whole (duplicates, overlap).
        stages: The stages, in order.
        context: Settings that all examples share.

    Yields:
        What a pipeline works on.
    """
    for index, example, findings in examples:
        yield Item(index, example.id, refine_example(example, stages, replace(context, findings=tuple(findings))))


def refine_example(example: Example, stages: Sequence[Stage], context: Context) -> Way:
    """One example's way through the stages, turn after turn.

    Args:
        example: The example as it came.
        stages: The stages, in order.
        context: Settings, and what was found in the record as a whole.

    Returns:
        The result of the first turn that is not kept, else of the last. Its findings are those of the record, of the
        turns judged so far, and of the answer that it ends with.

    Yields:
        Questions; the answer is sent back.
    """
    findings = list(context.findings)
    repairs = 0
    for place, turn in turns(example):
        last = place == len(example.messages)
        settings = context if last else replace(context, max_attempts=0)
        # Earlier turns may have got their thinking while they were judged.
        asked = replace(turn, messages=example.messages[:place])
        result = yield from _judge_turn(asked, stages, settings)
        repairs += result.repairs
        where = "" if last else f"turn at message {place}: "
        findings += [replace(finding, message=where + finding.message) for finding in result.findings]
        if last:
            return replace(result, repairs=repairs, findings=tuple(findings))
        if result.outcome != "kept":
            reason = f"{where}{result.reason}"
            return replace(result, example=example, reason=reason, repairs=repairs, findings=tuple(findings))
        if result.example.think != turn.think:
            changed = {**example.messages[place], "reasoning_content": result.example.think}
            example = replace(example, messages=(*example.messages[:place], changed, *example.messages[place + 1 :]))
    raise AssertionError("the answer is a turn")


def _judge_turn(example: Example, stages: Sequence[Stage], context: Context) -> Way:
    """One turn's way through the stages; its findings are those of the answer that it ends with."""
    context = replace(context, findings=(*context.findings, *checks.answer_findings(example)))
    repairs = 0
    outcome = Result("kept", "end", "", example)
    for stage in stages:
        ruling = yield from stage.run(example, context)
        example, repairs = ruling.example, repairs + ruling.repairs
        outcome = Result("kept", "end", "", example, repairs)
        if ruling.outcome != "next":
            outcome = Result(ruling.outcome, stage.name, ruling.reason, example, repairs)
            break
    return replace(outcome, findings=tuple(_of_answer(outcome)))


def _of_answer(result: Result) -> list[Finding]:
    """Findings of an answer; that it makes no call is none where the judge says that it is a statement."""
    found = checks.answer_findings(result.example)
    statement = result.outcome == "kept" and result.stage == "response"
    return [finding for finding in found if not (statement and finding.check == "decode")]
