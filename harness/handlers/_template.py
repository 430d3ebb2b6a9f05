"""What a chat template takes, found out by rendering it, and messages for a template that takes less.

A template's words prove nothing: some that speak of tools show none, some drop an earlier reply's calls, some raise on
a system message, on two messages of one role, or on a tool's result. What a template does not take is said in words it
does take:

    tools     listed in the system message, with a call as the model writes it
    calls     one message for each call with its result after it, where the template takes one call at a time (`call`);
              else written in their dialect in the assistant's text
    results   in a user message, in `<tool_response>` tags
    system    before the first user message's text
    turns     messages of one role in a row joined to one
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from harness.chat import CHATML
from harness.handlers._text import merge
from harness.types import FunctionCall, Message, ModelInfo, Query

ABILITIES = ("tools", "plain", "calls", "call", "results", "prompted", "ipython", "system", "turns")
"""What a template may take. `plain`: tools without `{"type": "function", "function": ...}` around them; `prompted`:
results after words instead of calls, as prompting mode has them; `ipython`: results in that role, where `tool` is not
known."""
API = "api"
"""Instead of abilities: a server is sent OpenAI's format, whatever its template."""

SYSTEM, USER, TOOL, RESULT = "Sys7tem", "Que5stion", "get_probe", "Res3ult"
DOCUMENT = {"name": TOOL, "description": "Probe.", "parameters": {"type": "object", "properties": {}, "required": []}}
QUESTION = {"role": "user", "content": USER}
CALLS = [
    {"id": f"probe000{n}", "type": "function", "function": {"name": TOOL, "arguments": {"city": f"Ber{n}n"}}}
    for n in range(2)
]
RESULTS = [{"name": TOOL, "tool_call_id": f"probe000{n}", "content": f"{RESULT}{n}"} for n in range(2)]


@lru_cache(maxsize=64)
def abilities(template: str) -> tuple[str, ...]:
    """What a chat template takes.

    Args:
        template: Its source.

    Returns:
        Names of `ABILITIES`; empty for a template that cannot be rendered at all.
    """
    render = _renderer(template)

    def shows(words: Iterable[str], messages: Sequence[Message], tools: Any = None) -> bool:
        text = render(messages, tools)
        return text is not None and all(word in text for word in words)

    outcomes = [f"{RESULT}{n}" for n in range(2)]
    at_once, one_by_one = _exchange("tool", 2), _exchange("tool", 1)
    # `ipython` counts only for templates that show no result in the role `tool`.
    calls = any(shows(["Ber0n", "Ber1n", TOOL], [QUESTION, *_exchange(role, 2)]) for role in ("tool", "ipython"))
    call = any(shows(["Ber0n", "Ber1n", TOOL], [QUESTION, *_exchange(role, 1)]) for role in ("tool", "ipython"))
    before = at_once if calls else one_by_one if call else _exchange("tool", 0)
    results = shows(outcomes, [QUESTION, *before])
    tested = {
        "tools": shows([TOOL], [QUESTION], [{"type": "function", "function": DOCUMENT}]),
        "plain": shows([TOOL, "Probe."], [QUESTION], [DOCUMENT]),
        "calls": calls,
        "call": call and not calls,
        "results": results,
        "prompted": shows(outcomes, [QUESTION, *_words()]),
        "ipython": not results
        and shows(outcomes, [QUESTION, *({**m, "role": "ipython"} if m["role"] == "tool" else m for m in before)]),
        "system": shows([SYSTEM, USER], [{"role": "system", "content": SYSTEM}, QUESTION]),
        "turns": shows(["Fir2st", USER], [{"role": "user", "content": "Fir2st"}, QUESTION]),
    }
    return tuple(name for name in ABILITIES if tested[name])


def _words() -> list[dict[str, Any]]:
    """Words before results that belong to no call."""
    results = [{"role": "tool", "name": TOOL, "content": result["content"]} for result in RESULTS]
    return [{"role": "assistant", "content": "I look."}, *results]


def _exchange(role: str, at_once: int) -> list[dict[str, Any]]:
    """Two calls and their results: both calls in one message, each in its own, or none but words before the results."""
    results = [{"role": role, **result} for result in RESULTS]
    if at_once == 2:
        return [{"role": "assistant", "content": "", "tool_calls": CALLS}, *results]
    if at_once == 0:
        return [{"role": "assistant", "content": "I look."}, *results]
    asked = [{"role": "assistant", "content": "", "tool_calls": [call]} for call in CALLS]
    return [message for pair in zip(asked, results, strict=True) for message in pair]


def lacks(takes: Sequence[str]) -> list[str]:
    """What a template does not take and users expect of one."""
    missing = [name for name in ("tools", "calls", "results", "system") if name not in takes]
    other = {"calls": "call", "results": "ipython"}
    return [name for name in missing if other.get(name) not in takes]


def adapt(
    messages: Sequence[Message], takes: Sequence[str], write: Callable[[Sequence[FunctionCall]], str] | None = None
) -> tuple[Message, ...]:
    """Messages as a template takes them; what it lacks is said otherwise, see this module's docstring.

    Args:
        messages: In OpenAI's format; a benchmark's prompting mode has tool messages without calls before them.
        takes: Names of `ABILITIES`.
        write: Writes calls as text; None where there are none.

    Returns:
        New messages.
    """
    adapted = [_numbered(message) for message in messages]
    if "call" in takes:
        adapted = _one_by_one(adapted)
    elif "calls" not in takes and write:
        adapted = [_with_calls_as_text(message, write) for message in adapted]
    if "results" not in takes:
        adapted = [_result(message, "ipython" in takes) for message in adapted]
    if "system" not in takes:
        adapted = _without_system(adapted)
    if "turns" not in takes:
        adapted = _joined(adapted)
    return tuple(adapted)


def fit(takes: str, model: ModelInfo) -> tuple[dict[str, str], str]:
    """The option `takes` of a prompting handler for a model.

    Args:
        takes: What the user named, or `auto`.
        model: What is known of it.

    Returns:
        The option where it was `auto` and something is not taken, and why.
    """
    if takes != "auto":
        return {}, ""
    if model.remote:
        return {"takes": API}, ""
    found = abilities(model.chat_template or CHATML)
    known = ["results"] if "prompted" in found else []
    known += [name for name in found if name in ("system", "turns")]
    lacking = [name for name in ("results", "system") if name not in known]
    if known == ["results", "system", "turns"]:
        return {}, ""
    return {"takes": ",".join(known)}, f"its template does not take {', '.join(lacking)}" if lacking else ""


def prompted(query: Query, takes: str) -> tuple[Message, ...]:
    """The messages of a query in prompting mode, the benchmark's instruction in the system message.

    Args:
        query: The query.
        takes: `api`, names of `ABILITIES` by commas, or `auto` for messages as they are.

    Returns:
        The messages.
    """
    messages = merge(query.messages, query.instruction)
    if takes == "auto":
        return messages
    return told(messages) if takes == API else adapt(messages, takes.split(","))


def told(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Messages for an API server in prompting mode, as upstream's API handlers send them: the results of a step are
    one user message, the Python source of a list of maps."""
    sent: list[Message] = []
    results: list[dict[str, Any]] = []
    for message in [*messages, None]:
        if message and message["role"] == "tool":
            results.append({key: message[key] for key in ("role", "name", "content") if key in message})
            continue
        if results:
            sent.append({"role": "user", "content": repr(results)})
            results = []
        if message:
            sent.append(message)
    return tuple(sent)


def instruction(documents: Sequence[Any], example: str) -> str:
    """System text that offers tools to a model whose template shows none.

    Args:
        documents: What the template would have been given.
        example: A call as the model writes it.

    Returns:
        The text.
    """
    lines = "\n".join(json.dumps(document, ensure_ascii=False) for document in documents)
    return (
        f"# Functions\n\nFunctions that may be called, one JSON document a line:\n<tools>\n{lines}\n</tools>\n\n"
        f"Call functions in this form, and only where they are needed:\n{example}"
    )


def _renderer(template: str) -> Callable[[Sequence[Message], Any], str | None]:
    """Renders conversations as transformers does; None where the template raises."""
    import jinja2
    from jinja2.exceptions import TemplateError
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _generation()]
    )
    environment.filters["tojson"] = lambda value, indent=None, **_: json.dumps(value, ensure_ascii=False, indent=indent)
    environment.globals |= {"raise_exception": refuse, "strftime_now": lambda form: "2024-07-26"}
    try:
        compiled: jinja2.Template | None = environment.from_string(template)
    except TemplateError:
        compiled = None

    def render(messages: Sequence[Message], tools: Any) -> str | None:
        for form in (_as_objects, _as_text):
            try:
                if compiled is not None:
                    return str(
                        compiled.render(
                            messages=form(messages), tools=tools, add_generation_prompt=True, bos_token="", eos_token=""
                        )
                    )
            except (TemplateError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
                continue
        return None

    return render


def _generation() -> Any:
    """The tag `generation`, with which templates mark what is learnt: its body is rendered as it is."""
    from jinja2 import nodes
    from jinja2.ext import Extension

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012 - jinja2's own attribute

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
            return nodes.Scope(body).set_lineno(line)

    return Generation


def _as_objects(messages: Sequence[Message]) -> list[dict[str, Any]]:
    copies: list[dict[str, Any]] = json.loads(json.dumps([dict(message) for message in messages]))
    return copies


def _as_text(messages: Sequence[Message]) -> list[dict[str, Any]]:
    copies = _as_objects(messages)
    for message in copies:
        for call in message.get("tool_calls") or ():
            call["function"]["arguments"] = json.dumps(call["function"]["arguments"])
    return copies


def _numbered(message: Message) -> dict[str, Any]:
    """A message whose ids have nine letters and digits, the only ones that Mistral's templates take."""
    changed = dict(message)
    if "tool_call_id" in message:
        changed["tool_call_id"] = _identifier(message["tool_call_id"])
    if message.get("tool_calls"):
        changed["tool_calls"] = [{**call, "id": _identifier(call.get("id", ""))} for call in message["tool_calls"]]
        changed["content"] = message.get("content") or ""
    return changed


def _identifier(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum())[-9:].rjust(9, "0")


def _one_by_one(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each call in a message of its own, its result after it."""
    apart: list[dict[str, Any]] = []
    results = {message["tool_call_id"]: message for message in messages if "tool_call_id" in message}
    moved: set[int] = set()
    for message in messages:
        calls = message.get("tool_calls") or ()
        if len(calls) < 2:
            apart += [] if id(message) in moved else [message]
            continue
        for number, call in enumerate(calls):
            apart.append({**message, "content": message["content"] if not number else "", "tool_calls": [call]})
            if result := results.get(call["id"]):
                apart.append(result)
                moved.add(id(result))
    return apart


def _with_calls_as_text(message: dict[str, Any], write: Callable[[Sequence[FunctionCall]], str]) -> dict[str, Any]:
    if not message.get("tool_calls"):
        return message
    calls = [_call(call["function"]) for call in message["tool_calls"]]
    text = "\n".join(part for part in (message.get("content"), write(calls)) if part)
    return {key: value for key, value in message.items() if key != "tool_calls"} | {"content": text}


def _call(function: Any) -> FunctionCall:
    arguments = function["arguments"]
    return FunctionCall(function["name"], json.loads(arguments) if isinstance(arguments, str) else arguments)


def _result(message: dict[str, Any], ipython: bool) -> dict[str, Any]:
    if message["role"] != "tool":
        return message
    if ipython:
        return {**message, "role": "ipython"}
    return {"role": "user", "content": f"<tool_response>\n{message['content']}\n</tool_response>", "result": True}


def _without_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """System texts before the text of the user message that follows; a user message of their own at the end."""
    kept: list[dict[str, Any]] = []
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "system":
            waiting.append(message["content"])
        elif waiting and message["role"] == "user":
            kept.append({**message, "content": "\n\n".join([*waiting, message["content"]])})
            waiting = []
        else:
            kept.append(message)
    return [*kept, {"role": "user", "content": "\n\n".join(waiting)}] if waiting else kept


def _joined(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours of one role as one message; the system message and tool messages stay apart."""
    joined: list[dict[str, Any]] = []
    for message in messages:
        last = joined[-1] if joined else None
        if last and last["role"] == message["role"] in ("user", "assistant") and not message.get("tool_calls"):
            between = "\n" if message.get("result") and last.get("result") else "\n\n"
            joined[-1] = {**last, **message, "content": f"{last['content']}{between}{message['content']}"}
        else:
            joined.append(message)
    return joined
