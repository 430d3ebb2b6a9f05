"""Recorded samples retold: the conversation that led to each reply, as plain data for readers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness import plugins
from harness.errors import HarnessError
from harness.results.lines import SampleLine
from harness.running.episodes import Ended
from harness.types import Asked, Generation, Key, Message, Query, Reply, RunRecord, Sample, Step, Tool


@dataclass(frozen=True, slots=True)
class Retold:
    """One sample of a run."""

    tools: tuple[Tool, ...] = ()
    talk: tuple[dict[str, Any], ...] = ()
    """Messages and replies in order: `{"turn", "role", "text"}`; a reply has the role `reply` and also `think`,
    `calls`, `problem`, `finish`, `tokens`, `seconds`."""
    replies: tuple[Reply, ...] = field(default=(), repr=False)
    problem: str | None = None
    """Why only what is stored can be shown."""

    @property
    def question(self) -> str:
        """The first thing the user says."""
        return next((entry["text"] for entry in self.talk if entry["role"] == "user"), "")


def retell(
    record: RunRecord, lines: Mapping[Key, SampleLine], keys: Collection[Key] | None = None
) -> dict[Key, Retold]:
    """Retell samples of a run. Where its data or handler is not at hand, only the stored replies are told.

    Args:
        record: The run.
        lines: Its lines.
        keys: Which to retell; None for all.

    Returns:
        One for each key.
    """
    wanted = {key: lines[key] for key in (lines if keys is None else keys)}
    try:
        benchmark = plugins.load("benchmarks", record.benchmark.name)
        handler = plugins.handler(record.handler, record.handler_options, record.rules)
        samples = {sample.id: sample for sample in benchmark.load(record.benchmark.categories)}
    except (HarnessError, LookupError, ImportError) as error:
        return {key: _stored(line, str(error)) for key, line in wanted.items()}
    teller = _Teller(Ended(benchmark, handler, samples, lines))
    return {key: teller.tell(line) for key, line in wanted.items()}


class _Teller:
    """Plays recorded samples again, except where one question and one reply are all there is.

    Most of the time of a play goes into its prompt, which readers are not shown. A category whose first play asks
    just what the sample says is told from its samples alone.
    """

    def __init__(self, ended: Ended) -> None:
        self.ended = ended
        self._plain: dict[str, Query | None] = {}

    def tell(self, line: SampleLine) -> Retold:
        """Retell one line."""
        if line.id not in self.ended.samples:
            return _stored(line, f"the installed data has no sample {line.id}")
        try:
            return _told(self.ended.samples[line.id], [(self._asked(query), step) for query, step in self._steps(line)])
        except Exception as error:  # noqa: BLE001 - one sample that cannot be played again never costs the report
            return _stored(line, f"cannot be replayed: {type(error).__name__}: {error}")

    def _asked(self, query: Query) -> Query:
        """The query as it was asked: to a base model as one text."""
        if query.asks != "model" or not self.ended.handler.continues:
            return query
        return replace(query, messages=self.ended.handler.render(query).messages)

    def _steps(self, line: SampleLine) -> list[tuple[Query, Step]]:
        sample = self.ended.samples[line.id]
        single = len(line.steps) == len(sample.turns) == 1 and not sample.after
        known = self._plain.get(sample.category) if single else None
        if known is not None:
            query = replace(known, messages=sample.turns[0], tools=sample.tools)
            generation = line.steps[0].generation
            return [(query, Step(0, generation, self.ended.handler.parse(generation, query)))]
        steps = list(self.ended.retrace(line.key))
        if single and sample.category not in self._plain:
            query = steps[0][0]
            plain = query.opening is None and not query.scored
            plain = plain and query.messages == sample.turns[0] and query.tools == sample.tools
            self._plain[sample.category] = query if plain else None
        return steps


def _told(sample: Sample[Any], steps: Sequence[tuple[Query, Step]]) -> Retold:
    talk: list[dict[str, Any]] = []
    before: dict[Asked, Query] = {}
    for query, step in steps:
        talk += [{"turn": step.turn, **_said(message)} for message in _new(query, before.get(query.asks))]
        replied = _replied(step.generation, step.reply)
        talk.append({"turn": step.turn, **replied, **({"name": "simulated user"} if query.asks == "user" else {})})
        before[query.asks] = query
    if not steps:
        talk = [{"turn": 0, **_said(message)} for turn in sample.turns[:1] for message in turn]
    tools = steps[-1][0].tools if steps else sample.tools
    return Retold(tuple(tools), tuple(talk), tuple(step.reply for _, step in steps))


def _new(query: Query, before: Query | None) -> Iterator[Message]:
    """Messages since the last query to the same model, without the reply to it, which is told in full.

    Where the conversation is one text that grows from query to query, what was added to it.
    """
    if before is None:
        yield from query.messages
    elif len(query.messages) > len(before.messages):
        yield from query.messages[len(before.messages) + 1 :]
    else:
        message, told = query.messages[-1], _text(before.messages[-1].get("content"))
        yield {**message, "content": _added(_text(message.get("content")), told)}


def _added(text: str, told: str) -> str:
    """What a text adds to the one before it, whose last line may be a cue that moves to the end."""
    uncued = told.rstrip().rpartition("\n")[0] + "\n"
    known = next((start for start in (told, uncued) if len(start) > 1 and text.startswith(start)), "")
    return text.removeprefix(known)


def _said(message: Message) -> dict[str, Any]:
    said = {"role": str(message.get("role")), "text": _text(message.get("content"))}
    return said | ({"name": str(message["name"])} if message.get("name") else {})


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", part)) if isinstance(part, Mapping) else str(part) for part in content)
    return "" if content is None else str(content)


def _replied(generation: Generation, reply: Reply) -> dict[str, Any]:
    calls = None if reply.calls is None else [{call.name: dict(call.arguments)} for call in reply.calls]
    return {"role": "reply", "text": reply.text, "think": reply.think, "calls": calls, "problem": reply.problem} | {
        "finish": generation.finish,
        "tokens": generation.completion_tokens,
        "seconds": generation.seconds,
    }


def _stored(line: SampleLine, why: str) -> Retold:
    replies = [Reply(step.generation.reasoning, as_came(step.generation)) for step in line.steps]
    talk = [
        {"turn": step.turn, **_replied(step.generation, reply)} for step, reply in zip(line.steps, replies, strict=True)
    ]
    return Retold((), tuple(talk), tuple(replies), why)


def forced_start(record: RunRecord) -> str:
    """What every reply of a run was made to start with; empty where that is nothing, or the handler is not at hand."""
    try:
        return str(getattr(plugins.handler(record.handler, record.handler_options), "think_prefix", ""))
    except (HarnessError, ImportError):
        return ""


def as_came(generation: Generation) -> str:
    """Text and native calls of a reply that nothing has read, one below the other."""
    calls = (f"{call.name}({call.arguments})" for call in generation.tool_calls or ())
    return "\n".join(part for part in (generation.text, *calls) if part)
