"""One rule for the handler, and a warning where two models are asked differently."""

from __future__ import annotations

from harness.running.asking import convention, difference
from harness.types import ModelInfo

TOOLS = "{{ tools }}"


def test_models_that_are_asked_differently_are_told() -> None:
    tuned = convention(ModelInfo("org/tuned", handler="funreason"), "auto", {}, "upstream")
    base = convention(ModelInfo("org/base", chat_template=TOOLS), "auto", {}, "upstream")
    told = str(difference([tuned, base]))
    assert "org/tuned is asked by funreason (it was trained with it" in told
    assert "org/base is asked by fc hermes" in told
    assert "--handler NAME asks both alike" in told


def test_models_that_are_asked_alike_are_not() -> None:
    models = (ModelInfo("org/tuned", handler="funreason"), ModelInfo("org/base", chat_template=TOOLS))
    assert difference([convention(model, "prompt", {}, "upstream") for model in models]) is None


def test_another_dialect_is_another_way() -> None:
    model = ModelInfo("x", chat_template=TOOLS)
    sides = [convention(model, "auto", {"dialect": name}, "upstream") for name in ("hermes", "llama31")]
    assert "fc hermes" in str(difference(sides))
    assert "fc llama31" in str(difference(sides))


def test_of_a_server_the_template_decides_where_it_is_known() -> None:
    unknown = convention(ModelInfo("org/model", remote=True), "auto", {}, "upstream")
    known = convention(ModelInfo("org/model", remote=True, chat_template=TOOLS), "auto", {}, "upstream")
    assert (unknown.told, known.told) == ("prompt", "fc")
    assert "--tokenizer FOLDER" in unknown.why
