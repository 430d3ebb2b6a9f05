"""What `harness run --check` says: prompts, replies and how they were read, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from harness.running.trial import Shown, Trial
from harness.text import one_line, printable

LONGEST = 4000
"""Characters of a prompt or reply that are printed; JSON has all of them."""


def text(trials: Sequence[Trial]) -> str:
    """One item of each category, then the findings."""
    return "\n\n".join("\n\n".join(_parts(trial)) for trial in trials)


def _parts(trial: Trial) -> Iterator[str]:
    yield f"{trial.record.benchmark.name}: {trial.record.model.name}\nhandler: {one_line(trial.why)}"
    for shown in trial.shown:
        yield _item(shown)
    problems = [f"- {one_line(problem)}" for problem in trial.problems]
    yield "\n".join(["what does not fit:", *problems]) if problems else "the set-up fits, as far as these items show"


def _item(shown: Shown) -> str:
    prompt = [f"[{message['role']}] {_said(message)}" for message in shown.prompt.messages]
    prompt += [f"[tool] {one_line(str(tool), LONGEST)}" for tool in shown.prompt.tools]
    if shown.prompt.prefix:
        prompt.append(f"[the reply has to start with] {shown.prompt.prefix!r}")
    calls = ", ".join(f"{call.name}({dict(call.arguments)})" for call in shown.reply.calls or ())
    native = [f"[call] {call.name} {call.arguments}" for call in shown.generation.tool_calls or ()]
    read = calls if shown.reply.calls is not None else f"as text: {shown.reply.text}"
    rows = {
        "prompt": "\n".join(prompt),
        "reply": "\n".join(part for part in (shown.generation.text, *native) if part),
        "read": f"{read or 'no call'}{f' ({shown.reply.problem})' if shown.reply.problem else ''}",
        "verdict": shown.outcome,
    }
    head = f"== {shown.category}: {one_line(shown.id)}"
    return "\n".join([head, *(f"-- {name}\n{printable(value, LONGEST)}" for name, value in rows.items())])


def _said(message: Any) -> str:
    calls = message.get("tool_calls")
    return f"{message.get('content') or ''}{f' {calls}' if calls else ''}"


def as_json(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [
        {
            "benchmark": trial.record.benchmark.name,
            "model": trial.record.model.name,
            "handler": trial.why,
            "readings": {name: asdict(reading) for name, reading in trial.record.readings.items()},
            "problems": list(trial.problems),
            "items": [
                {"category": each.category, "id": each.id, "outcome": each.outcome}
                | {"prompt": asdict(each.prompt), "generation": asdict(each.generation), "reply": asdict(each.reply)}
                for each in trial.shown
            ],
        }
        for trial in trials
    ]
