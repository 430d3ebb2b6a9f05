"""Every role played without a model: fixed sentences made of the walk, by the name `walk`.

For trying an environment out, for dry runs and for tests. The texts are plain and alike, the conversations are sound:
each call was carried out and each value has a source. Whoever trains on them must say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.data.calls import answer_of
from harness.types import Completion, Generation, Prompt, RequestKey, Sampling, Tool
from refine.synth.roles import QUESTIONS
from refine.synth.said import value_of
from refine.synth.types import Source, Step, Trace, Turn

NAME = "walk"
"""What `--model` says where no model is wanted."""
_BLOCK = re.compile(r"^([^\n]+):\n<<([0-9a-f]{16})\n(.*?)\n\2>>", re.DOTALL | re.MULTILINE)
_STAGES = {question.instructions: stage for stage, question in QUESTIONS.items()}
_JOINED = {"user": "as the user says", "state": "as the user says", "constant": "as the tool asks for it"}


def recite(trace: Trace, tools: Sequence[Tool], stage: str, material: Mapping[str, str]) -> dict[str, str]:
    """What a role would say that knows the walk.

    Args:
        trace: The walk.
        tools: Documents of the environment's tools.
        stage: What is asked.
        material: What it is asked about; where in the conversation it is follows from that alone.

    Returns:
        The reply's fields.
    """
    if stage in ("query_judge", "answer_judge", "thought_judge"):
        return {"reason": "as it was walked", "verdict": "yes"}
    if stage == "reasoner":
        replies = [reply for turn in trace.turns for reply in _replies(turn, trace)]
        said = material["Conversation"].splitlines()
        thought, text = replies[min(sum(_is_assistant(line) for line in said), len(replies) - 1)]
        return {"thought": thought, "reply": text}
    if stage == "tool":
        return {
            "name": "all_in_one",
            "description": "\n".join(_wishes(material["Calls"], trace, tools)),
            "inputs": "what is needed",
            "outputs": "the results",
        }
    if stage == "query":
        return {"query": _query(material)}
    return {"reason": "Call one function after the other and wait for what is needed."}


def _wishes(calls: str, trace: Trace, tools: Sequence[Tool]) -> Iterator[str]:
    """What a user would ask for: what changes something or answers him, in the order of the calls, each once."""
    walked = [json.loads(line)["result"] for line in calls.splitlines()]
    turn = next(turn for turn in trace.turns if [step.result for step in turn.steps] == walked)
    wanted = dict.fromkeys(step.call.name for step in turn.steps if {"state", "answer"} & {*step.effects})
    names = {str(tool["name"]): str(tool["name"]).replace("_", " ") for tool in tools}
    described = {str(tool["name"]): _first(tool) for tool in tools}
    for name in wanted:
        yield re.sub(r"\w+", lambda word: names.get(word[0], word[0]), described[name])


def _first(tool: Tool) -> str:
    """The first sentence of a tool's description."""
    return str(tool.get("description") or tool["name"]).strip().split("\n")[0].split(". ")[0].rstrip(".") + "."


def _query(material: Mapping[str, str]) -> str:
    values = [line.partition(": ") for line in material.get("Values that only the person can know", "").splitlines()]
    told = ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, _, value in values)
    kind = material["Kind of message"]
    if kind == "telling":
        return f"It is {told}."
    if kind == "nothing_to_do":
        return "Thank you, that is all for now. How are you today?"
    wishes = material["What is wanted"].split("\nReturns: ")[0].splitlines()
    said = f"Please help me with this: {' '.join(wishes[kind == 'implicit' and len(wishes) > 1 :])}"
    which = [
        line.split(", the one")[0].partition(": ") for line in material.get("Which one of several", "").splitlines()
    ]
    taken = ", ".join(f"as {name.replace('_', ' ')} {place}" for name, _, place in which)
    return said + (f" Here is what you need: {told}." if told else "") + (f" Take {taken}." if taken else "")


def _plain(text: str) -> str:
    value = json.loads(text)
    return value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else text


def _is_assistant(line: str) -> bool:
    return bool(json.loads(line)["role"] == "assistant") if line else False


def _replies(turn: Turn, trace: Trace) -> Iterator[tuple[str, str]]:
    """Thought and reply of every assistant message of a turn in its order; a refusal that is shown has none."""
    if turn.held_back and turn.held_back.parameter:
        name = turn.held_back.parameter.replace("_", " ")
        yield f"To do this I need to know the {name}, and nobody has said it.", f"Which {name} shall I use?"
    elif turn.held_back:
        yield "None of the functions that I have can do this.", "I have no function for this at the moment."
    if not turn.steps:
        yield "Nothing is to be done here: I answer without a function.", "You are welcome. I am fine, thank you."
        return
    tools = {step.index: step.call.name for step in trace.steps()}
    for level in turn.levels:
        for mishap in turn.mishaps:
            if mishap.kind == "natural" and any(step.index == mishap.step for step in level):
                yield "", ""
        yield "\n".join(_thought(step, tools) for step in level), answer_of([step.call for step in level])
        for mishap in turn.mishaps:
            if mishap.kind == "transient" and any(step.index == mishap.step for step in level):
                again = f"{mishap.call.name} failed for a passing reason, so I call it once more."
                yield again, answer_of([mishap.call])
    told = [step.result for step in turn.steps if "answer" in step.effects] or [turn.steps[-1].result]
    yield "Everything that was asked is done, and the results say the rest.", "It is done: " + "; ".join(told)


def _thought(step: Step, tools: Mapping[int, str]) -> str:
    parts = [
        f"{source.parameter[0]} is {value_of(step, source)!r}, {_origin(source, tools)}" for source in step.sources
    ]
    return f"{step.call.name} is next" + (f": {'; '.join(parts)}." if parts else ".")


def _origin(source: Source, tools: Mapping[int, str]) -> str:
    if source.kind == "result" and source.step is not None:
        return f"from the result of {tools.get(source.step, 'an earlier call')}"
    return _JOINED.get(source.kind, "as the user says")


class Reciter:
    """A session that plays all roles.

    Args:
        walked: Number of a conversation -> its walk.
        tools: Documents of the environment's tools.
    """

    version = "1"
    slots = 1
    gpus: int | None = None

    def __init__(self, walked: Callable[[int], Trace], tools: Sequence[Tool]) -> None:
        self.walked, self.tools = walked, tools
        self._ready: list[Completion] = []

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Answer at once.

        Args:
            key: Its sample is the number of the conversation.
            prompt: Of a question of `roles`.
            sampling: Changes nothing.
        """
        del sampling
        stage = _STAGES[str(prompt.messages[0]["content"])]
        blocks = _BLOCK.finditer(str(prompt.messages[1]["content"]))
        material = {block[1]: block[3] for block in blocks}
        said = recite(self.walked(int(key.sample_id)), self.tools, stage, material)
        self._ready.append(Completion(key, Generation(json.dumps(said))))

    def collect(self) -> Sequence[Completion]:
        """All that were submitted."""
        ready, self._ready = self._ready, []
        return ready

    def close(self) -> None:
        """Nothing to free."""
