"""The table of models: ours is whole, and a third party's is read or refused with the line to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data import pins
from harness.errors import UsageProblem

ENTRY = {
    "package": '"p"',
    "version": '"1"',
    "sha256": f'"{"0" * 64}"',
    "file": '"a/m.gguf"',
    "file_sha256": f'"{"1" * 64}"',
    "size": "7",
}


def written(place: Path, name: str = "mine", **changes: str | None) -> str:
    entry = {key: value for key, value in (ENTRY | changes).items() if value is not None}
    place.write_text("\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in entry.items())]))
    return str(place)


def test_our_models_are_pinned() -> None:
    assert "smollm2" in pins.models()
    for name, model in pins.models().items():
        assert pins.dataset(name) is model
        assert model.is_model
        assert model.licence
        assert len(model.sha256) == 64
        assert [len(pin) for pin in model.files.values()] == [64]


def test_a_third_party_adds_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_MODELS", written(tmp_path / "a.toml", '"my-model.v2"'))
    model = pins.dataset("my-model.v2")
    assert (model.package, model.size, model.licence) == ("p", 7, None)
    assert model.files == {"a/m.gguf": "1" * 64}
    assert {"smollm2", "my-model.v2"} <= pins.models().keys()


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("mine", {"package": None}, r"package of \[mine\] is missing"),
        ("mine", {"size": '"large"'}, r"size of \[mine\] is missing or of the wrong type"),
        ("mine", {"colour": '"red"'}, r"\[mine\] has the unknown key colour"),
        ("mine", {"file": '"../m.gguf"'}, r"file of \[mine\] is not a .gguf file inside"),
        ("mine", {"file": '"/m.gguf"'}, r"file of \[mine\] is not a .gguf file inside"),
        ("mine", {"file": '"m.bin"'}, r"file of \[mine\] is not a .gguf file inside"),
        ('"../mine"', {}, "is not a model's table"),
        ("tiny", {}, "gives tiny again"),
        ("smollm2", {}, "gives smollm2 again"),
        ("bfcl", {}, "gives bfcl again"),
        ("mine", {"file": "["}, "cannot be read"),
    ],
)
def test_a_broken_table_is_refused(
    name: str, changes: dict[str, str | None], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_MODELS", written(tmp_path / "b.toml", name, **changes))
    with pytest.raises(UsageProblem, match=message):
        pins.models()


def test_a_table_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_MODELS", str(tmp_path / "no.toml"))
    with pytest.raises(UsageProblem, match=r"HARNESS_MODELS: .*no.toml cannot be read"):
        pins.dataset("bfcl")
