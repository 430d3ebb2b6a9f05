"""Base models: what is asked is text that goes on, and what comes back is joined to it."""

from __future__ import annotations

import pytest

from harness import plugins
from harness.benchmarks.bfcl import data
from harness.errors import HarnessError, UsageProblem
from harness.handlers import _fewshot
from harness.handlers.completion import PLUGIN
from harness.types import Generation, ModelInfo, Opening, Query

TOOL = {"name": "add", "description": "Add.", "parameters": {"type": "dict", "properties": {}}}
ASKED = ({"role": "user", "content": "What is 1 + 1?"},)
HERE = ModelInfo("m", path="/models/m")


@pytest.mark.parametrize(
    ("model", "fits"),
    [
        (HERE, True),
        (ModelInfo("m", model_type="llama"), True),  # a server's, rendered here with its tokenizer
        (ModelInfo("m", path="/models/m", chat_template="{{ messages }}"), False),
        (ModelInfo("m", remote=True), False),
        (ModelInfo("m"), False),  # an imported run: nothing is known
    ],
)
def test_it_fits_models_that_are_known_to_have_no_template(model: ModelInfo, fits: bool) -> None:
    assert bool(PLUGIN.matches(model)) == fits


def test_a_program_is_its_beginning_and_what_follows() -> None:
    query = Query(ASKED, expects="text", opening=Opening("def add(a, b):\n", ("\ndef ",)))
    prompt = PLUGIN.render(query)
    assert (prompt.messages[0]["content"], prompt.stop, prompt.raw) == ("def add(a, b):\n", ("\ndef ",), True)
    reply = PLUGIN.parse(Generation("\treturn a + b", "length"), query)
    assert reply.text == "def add(a, b):\n    return a + b"
    assert reply.problem == "truncated"


def test_a_prefill_is_asked_and_joined() -> None:
    handler = plugins.handler("completion", {"think_prefix": "    return"})
    query = Query(ASKED, expects="text", opening=Opening("def add(a, b):\n"))
    assert handler.render(query).prefix == "    return"
    assert handler.parse(Generation(" a + b"), query).text == "def add(a, b):\n    return a + b"


def test_calls_are_asked_for_by_examples() -> None:
    text = PLUGIN.render(Query(ASKED, (TOOL,))).messages[0]["content"]
    assert text.startswith(_fewshot.HEADER)
    assert text.count("\nAssistant: ") == 5  # four examples, one of them with two answers
    assert text.endswith(
        'Functions:\n{"name": "add", "description": "Add.", "parameters": {"type": "dict", "properties": {}}}\n\n'
        "User: What is 1 + 1?\nAssistant:"
    )
    assert PLUGIN.parse(Generation(" [add(a=1)]"), Query(ASKED, (TOOL,))).text == "[add(a=1)]"


@pytest.mark.parametrize(("shots", "answers"), [(0, 0), (1, 1), (4, 5)])
def test_fewer_examples_can_be_asked_for(shots: int, answers: int) -> None:
    handler = plugins.handler("completion", {"num_fewshot": shots})
    assert handler.render(Query(ASKED, (TOOL,))).messages[0]["content"].count("\nAssistant: ") == answers


@pytest.mark.parametrize("shots", [-1, 5])
def test_more_examples_than_there_are_are_refused(shots: int) -> None:
    with pytest.raises(UsageProblem, match="There are 4 examples"):
        plugins.handler("completion", {"num_fewshot": shots})


def test_a_dialogue_is_one_text() -> None:
    talk = (
        *ASKED,
        {"role": "assistant", "content": "[add(a=1)]"},
        {"role": "tool", "name": "add(a=1)", "content": "2"},
    )
    handler = plugins.handler("completion", {"num_fewshot": 0})
    assert (
        handler.render(Query(talk, (TOOL,)))
        .messages[0]["content"]
        .endswith("User: What is 1 + 1?\nAssistant: [add(a=1)]\nResult: 2\nAssistant:")
    )


def test_where_functions_stand_in_the_messages_no_examples_are_shown() -> None:
    told = ({"role": "system", "content": "API descriptions: ..."}, *ASKED)
    assert PLUGIN.render(Query(told)).messages[0]["content"] == (
        "System: API descriptions: ...\nUser: What is 1 + 1?\nAssistant:"
    )


def test_no_benchmark_holds_the_functions_of_the_examples() -> None:
    ours = {tool["name"] for tools, _ in _fewshot.EXAMPLES for tool in tools}
    try:
        records = [record for category in data.SINGLE_TURN for record in data.questions(category)]
    except HarnessError as error:
        pytest.skip(str(error).splitlines()[0])
    theirs = {tool["name"] for record in records for tool in record["function"]}
    assert len(theirs) > 1000
    assert not ours & theirs
