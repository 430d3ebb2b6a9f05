"""Replies of a conversation read in one pass: the same loss and the same gradients as one by one."""

from __future__ import annotations

import json
from array import array

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageProblem
from tests.tinymodels import make_tiny_qwen2, tiny_tokenizer
from tests.trainer.worlds import config, conversations, log, write
from trainer import probe
from trainer.collate import Collator, labels
from trainer.data import Record
from trainer.losses import LossSettings, Totals, load
from trainer.losses.regions import MEANS
from trainer.losses.regions import totals as count
from trainer.run import train
from trainer.train import fuse
from trainer.tree import Tree, refuse, sight, trees

TOKENS = st.lists(st.integers(3, 5), min_size=1, max_size=12)


@st.composite
def conversation(draw) -> list[Record]:
    """Records that may begin alike, each learning a stretch at its end."""
    made, before = [], draw(TOKENS)
    for place in range(draw(st.integers(1, 4))):
        before = before[: draw(st.integers(0, len(before)))] + draw(TOKENS)
        learnt = draw(st.integers(0, len(before) - 1))
        regions = [0, *[0] * (len(before) - 1 - learnt), *draw(st.lists(st.sampled_from([1, 2]), min_size=learnt))]
        made.append(Record(f"x@{place}", array("i", before), array("b", regions[: len(before)])))
    return made


@given(conversation(), st.integers(12, 60))
def test_every_branch_is_its_record_and_every_label_is_kept_once(records, length):
    grown = trees(records, max(length, *map(len, records)))
    ends, kept = [], []
    for tree in grown:
        assert len(tree) <= max(length, *map(len, records))
        for start, stop in zip(tree.starts, [*tree.starts[1:], len(tree)], strict=True):
            path = [stop - 1] if stop > start else []
            while path and tree.parents[path[-1]] >= 0:
                path.append(tree.parents[path[-1]])
            ends.append([tree.ids[node] for node in reversed(path)])
        own = [[] for _ in tree.weights]
        for node, region in enumerate(tree.regions):
            if region:
                own[tree.owners[node]].append((tree.depths[node], tree.ids[node], region))
        kept += [sorted(each) for each in own]
    for record, end, labelled in zip(records, ends, kept, strict=True):
        assert end in ([], record.ids.tolist()), "a record that adds nothing ends inside another one"
        assert labelled == [(d, t, r) for d, (t, r) in enumerate(zip(record.ids, record.regions, strict=True)) if r]


@given(conversation())
def test_a_token_sees_its_ancestors_and_nothing_else(records):
    tree = trees(records, 1000)[0]
    mask = sight([tree, tree], 2 * len(tree) + 3)
    for node in range(len(tree)):
        path, at = set(), node
        while at >= 0:
            path.add(at)
            at = tree.parents[at]
        assert set(mask[node].nonzero().flatten().tolist()) == path
        assert set(mask[len(tree) + node].nonzero().flatten().tolist()) == {len(tree) + each for each in path}
        assert len(path) == tree.depths[node] + 1
    assert mask[2 * len(tree) :].sum() == 3


def test_records_of_other_conversations_stay_apart():
    ids, names = array("i", [3, 4, 5]), ["a@1", "a@3", "a", "b@1", "b", "c", "c", "a@1", "ab"]
    for regions, size in ((array("b", [0, 0, 0, 2]), 3 + 3), (array("b", [0, 0, 2, 0]), 2 + 3 * 2)):
        grown = trees([Record(name, ids + array("i", [place]), regions) for place, name in enumerate(names)], 99)
        assert [len(tree.weights) for tree in grown] == [3, 2, 1, 1, 1, 1]
        assert len(grown[0]) == size, "what both learn is not shared"


def _gradients(model, rows, loss, settings):
    """The loss of one step and the gradients of all weights."""
    batch = Collator(pad=0)(rows)
    marked, targets, before = labels(batch)
    counted = Totals(*count(marked).tolist())
    weighing = load(loss, settings)
    think, result = MEANS[weighing.mean](marked, counted)
    alpha = weighing.alpha(counted)
    seen = {name: batch[name] for name in ("position_ids", "attention_mask") if name in batch}
    weights = alpha * think + (1 - alpha) * result
    out = model(input_ids=batch["input_ids"], targets=targets, before=before, weights=weights, **seen)
    model.zero_grad()
    out["loss"].backward()
    return out["loss"].item(), [each.grad.clone() for each in model.parameters()]


def _keep_float64(model) -> None:
    """Replace the model's norms, which compute in float32, so that only the order of sums is left to differ."""
    for module in list(model.modules()):
        for name, norm in module.named_children():
            if type(norm).__name__.endswith("RMSNorm"):
                exact = torch.nn.RMSNorm(norm.weight.shape, norm.variance_epsilon, dtype=torch.float64)
                exact.load_state_dict(norm.state_dict())
                setattr(module, name, exact)


def _records(weights=(1.0, 1.0, 1.0, 1.0)) -> list[Record]:
    """Two conversations of four replies: thinking is left out of the prompts that follow."""
    draw = torch.Generator().manual_seed(0)
    made = []
    for name in "ab":
        prompt: list[int] = []
        for place, weight in enumerate(weights):
            asked, think, answer = (torch.randint(3, 300, (n,), generator=draw).tolist() for n in (9, 5 + place, 4))
            prompt += asked
            regions = array("b", [0] * len(prompt) + [1] * len(think) + [2] * len(answer))
            made.append(Record(f"{name}@{place}", array("i", prompt + think + answer), regions, weight))
            prompt += answer
    return made


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize(
    ("loss", "mean"), [("sft", "batch"), ("msl", "sample"), ("msl", "batch"), ("ssb", "sample"), ("ssb", "batch")]
)
def test_loss_and_gradients_are_those_of_the_replies_one_by_one(tmp_path, attention, loss, mean):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        make_tiny_qwen2(tmp_path), attn_implementation=attention, dtype=torch.float64
    )
    _keep_float64(model)
    fuse(model)
    records, settings = _records((1.0, 0.5, 1.0, 0.25)), LossSettings(alpha=0.3, mean=mean)
    grown = trees(records, 1000)
    assert sum(map(len, grown)) < 0.6 * sum(map(len, records))
    ours, gradients = _gradients(model, [(tree,) for tree in grown], loss, settings)
    together, packed = _gradients(model, [tuple(grown)], loss, settings)
    theirs, alone = _gradients(model, [(record,) for record in records], loss, settings)
    tolerance = 1e-10 if attention == "sdpa" else 1e-5  # transformers' eager softmax is float32 whatever it is given
    assert ours == pytest.approx(theirs, rel=tolerance)
    assert together == pytest.approx(theirs, rel=tolerance)
    scale = max(each.abs().max() for each in alone)
    for mine, with_others, his in zip(gradients, packed, alone, strict=True):
        assert (mine - his).abs().max() < tolerance * scale
        assert (with_others - his).abs().max() < tolerance * scale


def test_a_run_over_conversations_takes_the_same_steps(tmp_path):
    """Twelve records a step, or the three conversations that they are of; plain descent, in float32."""
    write(tmp_path / "data.jsonl", conversations())
    shared = {"optim": "sgd", "learning_rate": 0.05, "lr_scheduler_type": "constant", "warmup_steps": 0, "max_steps": 3}
    make_tiny_qwen2(tmp_path / "model", context=2048)
    split = train(config(tmp_path, **shared, output_dir=str(tmp_path / "split"), per_device_train_batch_size=12))
    ways = {"tree": {"per_device_train_batch_size": 3}, "packed": {"per_device_train_batch_size": 1, "packing": True}}
    for name, way in ways.items():
        tree = train(config(tmp_path, **shared, **way, output_dir=str(tmp_path / name), share_prefix=True))
        for mine, theirs in zip(log(tree), log(split), strict=True):
            for part in ("loss", "loss_think", "loss_result", "grad_norm"):
                assert mine[part] == pytest.approx(theirs[part], rel=1e-5), part
        counts = json.loads((tree / "train.json").read_text())["data"]["counts"]
        assert counts["records"] == 12
        assert counts["tokens that replies share"] > 0


@pytest.mark.parametrize(
    ("attention", "about", "says"),
    [
        ("flash_attention_2", {}, "--attn-implementation sdpa"),
        ("sdpa", {"sliding_window": 128}, "sliding_attention"),
        ("sdpa", {"layer_types": ["full_attention", "linear_attention"]}, "linear_attention"),
        ("sdpa", {"layer_types": ["full_attention", "sliding_attention"], "sliding_window": 128}, "sliding_attention"),
    ],
)
def test_attention_without_the_mask_is_refused_with_the_remedy(attention, about, says):
    from transformers import PreTrainedConfig

    with pytest.raises(UsageProblem, match=says):
        refuse(attention, PreTrainedConfig(**about), 256)


def test_windows_that_hold_a_row_are_let_pass():
    from transformers import PreTrainedConfig

    refuse("sdpa", PreTrainedConfig(sliding_window=512), 512)
    refuse("eager", PreTrainedConfig(sliding_window=128, use_sliding_window=False), 512)


def test_layers_that_do_not_keep_to_the_mask_are_refused(tmp_path):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(make_tiny_qwen2(tmp_path), dtype=torch.float32).eval()
    fuse(model)
    batch = Collator(pad=0)([tuple(trees(_records(), 1000))])
    probe.branch(model, batch, exact=True, name="Whole")
    seen = {**batch, "attention_mask": torch.ones_like(batch["attention_mask"]).tril()}
    with pytest.raises(UsageProblem, match="do not keep to the mask"):
        probe.branch(model, {**seen, "parents": batch["parents"]}, exact=True, name="Leaky")


def test_a_model_of_states_is_refused(tmp_path):
    from transformers import MambaConfig, MambaForCausalLM

    write(tmp_path / "data.jsonl", conversations(1, 2))
    tokenizer = tiny_tokenizer()
    model = MambaForCausalLM(MambaConfig(vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1))
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    with pytest.raises(UsageProblem, match="linear_attention"):
        train(config(tmp_path, share_prefix=True))


def test_a_tree_of_one_record_is_the_record():
    record = _records()[0]
    tree = Tree().add(record)
    assert (tree.ids, tree.regions, tree.parents[0]) == (record.ids, record.regions, -1)
    assert "attention_mask" not in Collator(pad=0)([(tree,)])
