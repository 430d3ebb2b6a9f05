"""The one place that turns a `Prompt` into text: engines and the trainer both render here, so they cannot disagree.

A tokenizer with a chat template renders by it; a tokenizer without one gets `CHATML`, the form that Qwen's models were
trained on. A prompt that is `raw` is the text itself, for base models. Its prefix follows the generation prompt
once:

    <|im_start|>system …<|im_end|>
    <|im_start|>user …<|im_end|>
    <|im_start|>assistant
    <think>                       <- prefix, or already opened by the template; never twice
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.types import Prompt

THINK = "<think>"

CHATML = """\
{%- set told = messages and messages[0]['role'] == 'system' -%}
{%- if told or tools -%}
    {{- '<|im_start|>system\\n' + (messages[0]['content'] if told else '') -}}
    {%- if tools -%}
        {{- '\\n\\n' if told else '' -}}
        {{- '# Tools\\n\\nFunctions that may be called, one JSON signature a line:\\n<tools>\\n' -}}
        {%- for tool in tools -%}{{- tool | tojson + '\\n' -}}{%- endfor -%}
        {{- '</tools>\\n\\nWrite each call as a JSON object inside its own tags:\\n<tool_call>\\n' -}}
        {{- '{"name": <function name>, "arguments": <object of arguments>}\\n</tool_call>' -}}
    {%- endif -%}
    {{- '<|im_end|>\\n' -}}
{%- endif -%}
{%- for message in (messages[1:] if told else messages) -%}
    {%- if message['role'] == 'tool' -%}
        {{- '<|im_start|>user' if not loop.previtem or loop.previtem['role'] != 'tool' -}}
        {{- '\\n<tool_response>\\n' + message['content'] + '\\n</tool_response>' -}}
        {{- '<|im_end|>\\n' if not loop.nextitem or loop.nextitem['role'] != 'tool' -}}
    {%- else -%}
        {{- '<|im_start|>' + message['role'] + '\\n' + (message['content'] or '') -}}
        {%- for call in message['tool_calls'] or [] -%}
            {{- '\\n' if message['content'] or not loop.first -}}
            {{- '<tool_call>\\n{"name": ' + call['function']['name'] | tojson -}}
            {{- ', "arguments": ' + call['function']['arguments'] | tojson + '}\\n</tool_call>' -}}
        {%- endfor -%}
        {{- '<|im_end|>\\n' -}}
    {%- endif -%}
{%- endfor -%}
{{- '<|im_start|>assistant\\n' if add_generation_prompt -}}
"""
"""ChatML with tools: consecutive tool messages share one user block, each in `<tool_response>` tags."""


def render(
    prompt: Prompt,
    tokenizer: Any,
    *,
    chat_template: str | None = None,
    kwargs: Mapping[str, Any] | None = None,
) -> str:
    """Write a prompt as the text a model continues.

    Args:
        prompt: The conversation, native tools and forced start of the reply.
        tokenizer: A transformers tokenizer. Its template's special tokens are in the text: encode it with
            `add_special_tokens=False`.
        chat_template: Template text that replaces the tokenizer's own.
        kwargs: Extra variables of the template, for example `{"enable_thinking": False}`.

    Returns:
        The text up to and including the prefix. Where the template itself opens the think block (Qwen3-Thinking,
        DeepSeek-R1), a prefix that opens it too replaces that opening, white space included.

    Raises:
        jinja2.TemplateError: The template refuses the conversation.
    """

    if prompt.raw:
        return "".join(str(message["content"]) for message in prompt.messages) + prompt.prefix

    def written(messages: list[dict[str, Any]]) -> str:
        text: str = tokenizer.apply_chat_template(
            messages,
            tools=plain(prompt.tools) or None,
            chat_template=chat_template or (None if tokenizer.chat_template else CHATML),
            add_generation_prompt=True,
            tokenize=False,
            **(kwargs or {}),
        )
        return text

    text = _either(written, prompt.messages)
    opened = text.rstrip()
    if prompt.prefix.startswith(THINK) and opened.endswith(THINK):
        text = opened.removesuffix(THINK)
    return text + prompt.prefix


def encode(
    prompt: Prompt,
    tokenizer: Any,
    *,
    chat_template: str | None = None,
    kwargs: Mapping[str, Any] | None = None,
) -> list[int]:
    """The tokens of a prompt. A template wrote the special tokens, a leading BOS too; raw text gets the tokenizer's.

    Args:
        prompt: As in `render`.
        tokenizer: A transformers tokenizer.
        chat_template: Template text that replaces the tokenizer's own.
        kwargs: Extra variables of the template.

    Returns:
        Token ids.

    Raises:
        jinja2.TemplateError: The template refuses the conversation.
    """
    text = render(prompt, tokenizer, chat_template=chat_template, kwargs=kwargs)
    ids: list[int] = tokenizer.encode(text, add_special_tokens=prompt.raw)
    return ids


def plain(value: Any) -> Any:
    """A deep copy in plain dicts and lists, which templates, JSON and other processes all take."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _either(written: Callable[[list[dict[str, Any]]], str], messages: Sequence[Mapping[str, Any]]) -> str:
    """The conversation with call arguments as objects, which most templates want, else as JSON text."""
    if not any(message.get("tool_calls") for message in messages):
        return written(_messages(messages))
    import jinja2

    try:
        return written(_messages(messages))
    except (jinja2.TemplateError, TypeError) as error:
        try:
            return written(_messages(messages, as_text=True))
        except (jinja2.TemplateError, TypeError):
            raise error from None


def _messages(messages: Sequence[Mapping[str, Any]], as_text: bool = False) -> list[dict[str, Any]]:
    """Messages as templates expect them: some text, call arguments as objects; those that are not object stay text."""
    copies: list[dict[str, Any]] = plain(messages)
    for message in copies:
        for call in message.get("tool_calls") or ():
            read = _arguments(call["function"]["arguments"])
            call["function"]["arguments"] = json.dumps(read) if as_text and isinstance(read, dict) else read
            message["content"] = message.get("content") or ""
    return copies


def _arguments(value: Any) -> Any:
    try:
        read = json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return value
    return read if isinstance(read, dict) else value
