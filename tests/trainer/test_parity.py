"""What is trained is, token for token, what the harness shows: one conversation through both, for every handler and
every chat template at hand."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from harness import chat, handlers
from harness.benchmarks.bfcl.multi_turn.loop import calls_of, exchange
from harness.benchmarks.bfcl.prompts import instruction
from harness.data.examples import read
from harness.errors import DataError
from harness.types import Example, Generation, ModelInfo, Query
from tests.tinymodels import tiny_tokenizer
from tests.trainer.worlds import write
from trainer.data import REFUSALS, Encoder, ask
from trainer.losses import THINK

SHARED = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")) / "chat-templates"
TEMPLATES = [None, *sorted(SHARED.glob("*.jinja"))]
HANDLERS = ("funreason", "fc", "prompt")
WEATHER = {
    "name": "weather.get",
    "description": "Forecast.",
    "parameters": {"type": "dict", "properties": {"city": {"type": "string", "description": "City."}}},
}


def _call(city: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "weather.get", "arguments": json.dumps({"city": city})}}


ROW = {
    "id": "m",
    "messages": [
        {"role": "user", "content": "Weather in Oslo and Bern 😀?"},
        {"role": "assistant", "content": "", "tool_calls": [_call("Oslo"), _call("Bern")]},
        {"role": "tool", "content": "3 degrees"},
        {"role": "tool", "content": "9 degrees"},
        {"role": "assistant", "content": "Oslo 3, Bern 9."},
        {"role": "user", "content": "And Rome?"},
        {"role": "assistant", "reasoning_content": "Rome now.", "tool_calls": [_call("Rome")]},
    ],
    "tools": [WEATHER],
}


class _World:
    """Gives the results of the row, whatever is called."""

    def __init__(self) -> None:
        self.results = iter(["3 degrees", "9 degrees", "20 degrees"])

    def execute(self, call: str) -> str:
        return next(self.results)


def _tokenizer(template: Path | None) -> Any:
    tokenizer = tiny_tokenizer()
    if template:
        tokenizer.chat_template = template.read_text()
        tokenizer.bos_token = "<|endoftext|>"
    return tokenizer


def _harness(handler: Any, tokenizer: Any, example: Example) -> list[str]:
    """Prompts of a run in which the model says what the row says, played as the multi-turn benchmark plays."""
    said = [message for message in ROW["messages"] if message["role"] == "assistant"]
    openings, world = [ROW["messages"][0], None, ROW["messages"][5]], _World()
    messages: tuple[Any, ...] = ()
    prompts = []
    for opening, message in zip(openings, said, strict=True):
        messages = (*messages, opening) if opening else messages
        query = Query(messages, (WEATHER,), instruction([WEATHER]))
        prompt = handler.render(query)
        prompts.append(chat.render(prompt, tokenizer))
        (row,) = read_rows([{"messages": [{"role": "user", "content": "?"}, message], "tools": [WEATHER]}])
        written = handler.write(ask(handler, row)[1])
        reply = handler.parse(Generation(written.text.removeprefix(prompt.prefix)), query)
        messages = (*messages, *exchange(reply, calls_of(reply), world, len(messages)))
    return prompts


def read_rows(rows: list[dict[str, Any]]) -> list[Example]:
    with tempfile.TemporaryDirectory() as folder:
        return [row for row in read(write(Path(folder) / "rows.jsonl", rows)) if isinstance(row, Example)]


@pytest.mark.usefixtures("bfcl_data")
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem if path else "none")
@pytest.mark.parametrize("name", HANDLERS)
def test_prompts_of_training_are_those_of_a_run(tmp_path, name, template):
    tokenizer = _tokenizer(template)
    model = ModelInfo("m", chat_template=tokenizer.chat_template)
    handler, _, _ = handlers.fitted(name, {}, "strict", model)
    (example,) = read_rows([ROW])
    try:
        shown = _harness(handler, tokenizer, example)
    except REFUSALS:
        # What the template raises in a run is counted in training; the dialects of `fc` say it otherwise.
        with pytest.raises(DataError, match="unusable: the chat template refuses it"):
            Encoder(tokenizer, handler, 100_000, turns="last").corpus(write(tmp_path / "rows.jsonl", [ROW]))
        return
    corpus = Encoder(tokenizer, handler, 100_000).corpus(write(tmp_path / "rows.jsonl", [ROW]))
    assert len(corpus.records) == 3, corpus.counts
    for record, prompt in zip(corpus.records, shown, strict=True):
        text = tokenizer.decode(record.ids)
        assert text.startswith(prompt.removesuffix("<think>\n").rstrip()), (text, prompt)
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        assert list(record.ids[: len(ids)]) == ids
        assert text.count("<think>") - prompt.count("<think>") <= (0 if prompt.rstrip().endswith("<think>") else 1)
        thought = tokenizer.decode(
            [token for token, region in zip(record.ids, record.regions, strict=True) if region == THINK]
        )
        assert thought.count("<think>") <= 1
        assert thought.count("<think>") == thought.count("</think>")
