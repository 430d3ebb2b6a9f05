import pytest

from harness.handlers import choose
from harness.types import ModelInfo


@pytest.mark.parametrize(
    ("model", "handler"),
    [
        (ModelInfo("org/FunReason-7B"), "funreason"),
        (ModelInfo("org/QwQ-32B"), "prompt"),
        (ModelInfo("x", chat_template="{{ tools }} <think>"), "fc"),
        (ModelInfo("x", chat_template="{{ messages }} <think>"), "prompt"),
        (ModelInfo("x", chat_template="{# tools #}{{ messages }}"), "prompt"),
        (ModelInfo("x", chat_template="{% for tool in tools %}"), "prompt"),
        (ModelInfo("x", chat_template="{{ tools }}"), "fc"),
        (ModelInfo("Team-ACE/ToolACE-2-Llama-3.1-8B", chat_template="{{ tools }}"), "prompt"),
        (ModelInfo("x", chat_template="{{ messages }}"), "prompt"),
        (ModelInfo("gpt-4o", remote=True), "prompt"),
        (ModelInfo("x", chat_template="{{ tools }}", handler="funreason"), "funreason"),
        (ModelInfo("x", chat_template="{{ tools }}", handler="uninstalled"), "fc"),
    ],
)
def test_the_choice_comes_with_its_reason(model: ModelInfo, handler: str) -> None:
    name, reason = choose(model)
    assert name == handler
    assert reason
