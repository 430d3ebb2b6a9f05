"""What users say in the benchmarks that this project knows: what training data must not repeat."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from harness.errors import unknown_name
from harness.types import Message

Question = tuple[str, ...]
"""The user turns of one item, as they are asked one after the other."""

_OPENING = re.compile(r"\s*user:", re.IGNORECASE)
_SPOKEN = re.compile(
    r"^user:[ \t]*(.*?)(?=^(?:user|system|assistant|ai|api-request|generate [^\n:]*):|\Z)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)


def user_turns(messages: Iterable[Message]) -> Question:
    """The user's turns of a conversation.

    Args:
        messages: Its messages. One that begins with `User:` may hold a whole dialogue, a line `User: ...` a turn.

    Returns:
        Texts in their order.
    """
    texts = [str(message.get("content") or "") for message in messages if message.get("role") == "user"]
    return tuple(turn for text in texts for turn in (_SPOKEN.findall(text) if _OPENING.match(text) else [text]))


def benchmark_questions(names: Sequence[str]) -> dict[str, list[Question]]:
    """The user turns of benchmarks' items, from their installed data.

    Args:
        names: Any of `bfcl`, `acebench`, `apibank`, `humaneval`, `mbpp`.

    Returns:
        Items by name.

    Raises:
        UsageProblem: A name is unknown.
        DataError: A benchmark's data is not installed.
    """
    for name in names:
        if name not in SOURCES:
            raise unknown_name("benchmark to decontaminate against", name, SOURCES)
    return {name: list(SOURCES[name]()) for name in names}


def _bfcl() -> Iterator[Question]:
    """All categories, also those whose tools are not installed; format sensitivity asks what others ask."""
    from harness.benchmarks.bfcl import data, prompts

    scenarios: set[str] = set()
    for category in (*data.ALL_SCORING, *data.EXECUTABLE):
        for record in data.questions(category):
            yield user_turns(message for turn in record["question"] for message in turn)
            scenarios.update(filter(None, [record.get("scenario")]))
    for scenario in sorted(scenarios):
        for record in data.memory_conversations(scenario, data.MEMORY[0]):
            yield user_turns(message for turn in record["question"] for message in turn)
    yield (prompts.constants()["DEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC"],)


def _loaded(plugin: str, task: str) -> Iterator[Question]:
    from harness import plugins

    benchmark = plugins.load("benchmarks", plugin)
    for sample in benchmark.load(benchmark.tasks()[task]):
        for turn in sample.turns:  # holds the earlier ones where a dialogue is written into each
            yield user_turns(turn)
            yield from (tuple(found) for m in turn if m["role"] == "user" and (found := _SPOKEN.findall(m["content"])))
        yield user_turns(message for turn in sample.turns for message in turn)


SOURCES: Mapping[str, Callable[[], Iterator[Question]]] = {
    "bfcl": _bfcl,
    "acebench": lambda: _loaded("acebench", "acebench"),
    "apibank": lambda: _loaded("apibank", "apibank"),
    "humaneval": lambda: _loaded("evalplus", "humaneval"),
    "mbpp": lambda: _loaded("evalplus", "mbpp"),
}
