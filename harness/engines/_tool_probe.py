"""Whether a server's chat template takes tools: one that drops them answers with HTTP 200, and measures nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from harness.engines._servers import Failed, Refused
from harness.types import Generation, Prompt, Sampling

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


async def problem(ask: Callable[[Prompt, Sampling], Awaitable[Generation]]) -> str:
    """Compare what a question costs with and without a tool, in prompt tokens.

    Args:
        ask: Sends a chat request.

    Returns:
        Why requests with tools would measure nothing; empty where they do, and where the server does not tell.
    """
    prompt = Prompt(({"role": "user", "content": "Hi"},))
    try:
        bare, offered = [
            (await ask(replace(prompt, tools=tools), Sampling(max_tokens=1))).prompt_tokens for tools in ((), (TOOL,))
        ]
    except (Failed, Refused):
        return ""  # the requests themselves will say what is wrong
    if not bare or bare != offered:
        return ""
    return (
        f"the server's chat template drops tools: {bare} prompt tokens with and without one. "
        "Use --handler prompt or a template that takes tools; --model-args check_tools=false asks all the same"
    )
