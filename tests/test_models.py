"""Finding and identifying models on disk."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness import models
from harness.errors import UsageProblem
from harness.files import sha256
from tests.tinymodels import make_tiny_lora, make_tiny_qwen2


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen2(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def lora(base: Path) -> Path:
    return make_tiny_lora(base.parent / "lora", base)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_a_folder_is_described(base: Path) -> None:
    info = models.inspect(str(base))
    assert (info.path, info.architectures, info.adapter) == (str(base), ("Qwen2ForCausalLM",), None)
    assert info.sha256
    assert info.chat_template is None


@pytest.mark.parametrize("file", ["tokenizer_config.json", "tokenizer.json"])
def test_a_model_tells_its_type_and_the_marks_of_its_tokenizer(base: Path, tmp_path: Path, file: str) -> None:
    folder = Path(shutil.copytree(base, tmp_path / "m"))
    tokens = [{"content": "<|tool_call|>"}, {"content": "<|im_end|>"}]
    for name, about in (("tokenizer_config.json", "added_tokens_decoder"), ("tokenizer.json", "added_tokens")):
        given = {str(n): token for n, token in enumerate(tokens)} if about.endswith("decoder") else tokens
        (folder / name).write_text(json.dumps({about: given} if name == file else {}))
    info = models.inspect(str(folder))
    assert (info.model_type, info.marks) == ("qwen2", ("<|tool_call|>",))
    (folder / file).write_text("{broken")
    assert models.outline("m", replace(models.locate(str(base)), tokenizer=folder / "none")).marks == ()


def test_an_adapter_folder_keeps_both_paths(base: Path, lora: Path) -> None:
    info = models.inspect(str(lora))
    assert (info.path, info.adapter) == (str(base), str(lora))
    both = models.inspect(str(base), adapter=str(lora))
    assert (both.path, both.adapter, both.sha256) == (info.path, info.adapter, info.sha256)
    assert both.sha256 != models.inspect(str(base)).sha256


@pytest.mark.parametrize(
    ("text", "handler"),
    [('{"config": {"handler": "prompt"}}', "prompt"), ('{"config": {}}', None), ("[1", None), ("", None)],
)
def test_a_checkpoint_says_with_which_handler_it_was_trained(
    base: Path, lora: Path, tmp_path: Path, text: str, handler: str | None
) -> None:
    for folder in (base, lora):
        trained = Path(shutil.copytree(folder, tmp_path / folder.name))
        (trained / "train.json").write_text(text)
        assert models.inspect(str(trained)).handler == handler
        assert models.inspect(str(folder)).handler is None


def test_an_adapter_finds_its_base_beside_itself(base: Path, lora: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "base")
    moved = Path(shutil.copytree(lora, tmp_path / "lora"))
    config = json.loads((moved / "adapter_config.json").read_text())
    (moved / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": "../base"}))
    assert Path(models.locate(str(moved)).folder).resolve() == tmp_path / "base"


def test_the_fingerprint_follows_content_and_not_place(base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "copy"))
    assert models.fingerprint(copy) == models.fingerprint(base)
    (copy / "README.md").write_text("a model card")
    (copy / "optimizer.pt").write_bytes(b"state")
    assert models.fingerprint(copy) == models.fingerprint(base)
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        before = models.fingerprint(copy)
        (copy / name).write_bytes((copy / name).read_bytes() + b" ")
        assert models.fingerprint(copy) != before, name


def test_large_files_are_hashed_once(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "copy"))
    weights = copy / "model.safetensors"
    weights.write_bytes(os.urandom(models.SMALL + 1))
    first = models.fingerprint(copy)

    hashed: list[str] = []

    def noted(path: Path) -> str:
        hashed.append(path.name)
        return sha256(path)

    monkeypatch.setattr("harness.files.sha256", noted)
    assert models.fingerprint(copy) == first
    assert weights.name not in hashed
    os.utime(weights, ns=(1, 1))
    assert models.fingerprint(copy) == first
    assert weights.name in hashed


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file" / "below"))
    (tmp_path / "model.safetensors").write_bytes(bytes(models.SMALL + 1))
    assert models.fingerprint(tmp_path)


def test_chat_templates_are_found_in_each_place(base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "copy"))
    config = json.loads((copy / "tokenizer_config.json").read_text())
    named = [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]
    (copy / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": named}))
    assert models.inspect(str(copy)).chat_template == "D"
    (copy / "chat_template.jinja").write_text("J")
    assert models.inspect(str(copy)).chat_template == "J"


def test_errors_name_the_path_and_the_remedy(base: Path, lora: Path, tmp_path: Path) -> None:
    (tmp_path / "qwen-sft" / "checkpoint-500").mkdir(parents=True)
    (tmp_path / "qwen-sft" / "checkpoint-500" / "config.json").write_text("{}")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text('{"archi')
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"")
    cases = {
        str(tmp_path / "qwen-stf"): rf"no folder .*qwen-stf\nDid you mean {tmp_path}/qwen-sft\?",
        str(tmp_path / "qwen-sft"): r"qwen-sft holds no config.json\nDid you mean .*checkpoint-500\?",
        str(tmp_path / "qwen-sft" / "checkpoint-500"): "holds no weights",
        str(base / "config.json"): r"is a file\nName the folder that holds config.json",
        str(tmp_path / "broken"): "broken/config.json cannot be read",
        "no-such/model-at-all": r"no such model in the hub's local cache \(offline\)",
        "not a name!": "no folder not a name! here",
    }
    for model, message in cases.items():
        with pytest.raises(UsageProblem, match=message):
            models.inspect(model)
    with pytest.raises(UsageProblem, match="is itself an adapter"):
        models.inspect(str(lora), adapter=str(lora))
    with pytest.raises(UsageProblem, match=r"base holds no adapter_config.json"):
        models.inspect(str(base), adapter=str(base))


def test_a_hub_id_is_found_in_the_local_cache(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    commit = "a" * 40
    repository = tmp_path / "hub" / "models--some-org--some-model"
    shutil.copytree(base, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    info = models.inspect("some-org/some-model")
    assert (info.revision, info.sha256) == (commit, models.fingerprint(base))
