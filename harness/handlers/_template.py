"""What a chat template takes, found out by rendering it.

A template's words prove nothing: some that speak of tools show none, some drop an earlier reply's calls, some raise on
a system message, on two messages of one role, or on a tool's result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from harness.types import Message

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
