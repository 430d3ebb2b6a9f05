"""Whole runs: a scripted model on both sides plays recorded dialogues and gets the official verdicts."""

import gzip
import json

import pytest
from click.testing import CliRunner

from harness.benchmarks.acebench import data
from harness.benchmarks.acebench.benchmark import PLUGIN
from harness.cli import cli
from harness.results import store
from harness.running.retelling import retell
from harness.types import Reply
from tests.benchmarks.acebench.test_judging import written
from tests.servers import Answer, chat, loopback

pytestmark = pytest.mark.usefixtures("stand_in_sources")


def recorded(shared_data, mutation):
    """One recorded dialogue an item, by sample id."""
    with gzip.open(shared_data / "acebench-oracle" / "agent_replay.jsonl.gz", "rt", encoding="utf-8") as lines:
        cases = [case for case in map(json.loads, lines) if case["mutation"] == mutation]
    return {f"{case['language']}:{case['id']}": case for case in cases}


def in_turn(sample, case):
    """The texts of both sides of a recorded dialogue, in the order in which they are asked for."""
    sides = {"model": iter(case["agent"]), "user": iter(case["user"])}
    play, texts = PLUGIN.play(sample, {}), []
    query = next(play)
    while True:
        texts.append(next(sides[query.asks], "finish conversation" if query.asks == "model" else "ok"))
        try:
            query = play.send(Reply(None, texts[-1]))
        except StopIteration:
            return texts


def invoke(*arguments):
    found = CliRunner().invoke(cli, [*map(str, arguments)])
    assert found.exit_code == 0, f"{found.output}\n{found.exception!r}"
    return found.stdout


def scripted(side, script):
    return (
        ("--engine", "scripted", "--model", "agent", "--model-args", f"script={script}")
        if side == "model"
        else ("--user-engine", "scripted", "--user-model", "person", "--user-model-args", f"script={script}")
    )


@pytest.mark.parametrize("mutation", ["prepared", "ask_first", "two_lines"])
def test_recorded_dialogues_get_the_official_verdicts(mutation, shared_data, tmp_path):
    cases = recorded(shared_data, mutation)
    samples = {sample.id: sample for sample in PLUGIN.load(_agents())}
    script = tmp_path / "both.json"
    script.write_text(json.dumps({name: in_turn(samples[name], case) for name, case in cases.items()}))
    output = tmp_path / "results"
    wanted = [argument for name in cases for argument in ("--sample-id", name)]
    sides = (*scripted("model", script), *scripted("user", script))
    (record,) = json.loads(
        invoke("run", *sides, "-t", "acebench_agent_en,acebench_agent_zh", *wanted, "-o", output, "--json")
    )
    assert record["status"] == "complete"
    assert record["user"]["model"] == "person"
    lines = {line.id: line for line in store.read_samples(store.find_runs(output)[0], pytest.fail)}
    assert {*lines} == {*cases}
    for name, case in cases.items():
        (verdict,) = lines[name].verdicts.values()
        assert (verdict.outcome == "pass", verdict.code) == (case["valid"], case["error_type"]), name
        assert verdict.evidence["process"] == case["process"]
        assert verdict.evidence["process_accuracy"] == case["process_accuracy"]
    assert {step.asked for name in lines if "multi_turn" in name for step in lines[name].steps} == {"model", "user"}


def _agents():
    return tuple(leaf for language in data.LANGUAGES for leaf in PLUGIN.tasks()[f"acebench_agent_{language}"])


def test_normal_and_special_questions_are_run_scored_and_shown(tmp_path):
    replies = {f"en:normal_atom_bool_{n}": written("en", f"normal_atom_bool_{n}") for n in range(10)}
    name = "zh:normal_multi_turn_user_adjust_0"
    (dialogue,) = [sample for sample in PLUGIN.load(("normal_multi_turn_user_adjust_zh",)) if sample.id == name]
    replies[name] = [written("zh", question["id"]) for question in dialogue.target.questions]
    script, output = tmp_path / "script.json", tmp_path / "results"
    script.write_text(json.dumps(replies))
    tasks = "normal_atom_bool_en,normal_multi_turn_user_adjust_zh,special_irrelevant_en"
    args = ("--model-args", "default=it is beyond the limitations of the function", "--limit", "10", "-o", output)
    (record,) = json.loads(invoke("run", *scripted("model", script), *args, "-t", tasks, "--json"))
    passed = {category: (score["passed"], score["judged"]) for category, score in record["scores"].items()}
    assert passed == {
        "normal_atom_bool_en": (10, 10),
        "normal_multi_turn_user_adjust_zh": (1, 10),
        "special_irrelevant_en": (10, 10),
    }
    assert record["user"]["sha256"] is None
    folder = store.find_runs(output)[0]
    assert "special_irrelevant_en" in invoke("score", folder, "--rules", "both")
    assert "ACEBench" in invoke("leaderboard", output, "--view", "acebench")


def test_an_agents_dialogue_is_told_readably(shared_data, tmp_path):
    name, case = next((name, case) for name, case in recorded(shared_data, "ask_first").items() if "multi_turn" in name)
    samples = {sample.id: sample for sample in PLUGIN.load(_agents())}
    script, output = tmp_path / "both.json", tmp_path / "results"
    script.write_text(json.dumps({name: in_turn(samples[name], case)}))
    sides = (*scripted("model", script), *scripted("user", script))
    invoke("run", *sides, "-t", "acebench_agent_en,acebench_agent_zh", "--sample-id", name, "-o", output)
    folder = store.find_runs(output)[0]
    record, (line,) = store.read_run(folder), store.read_samples(folder)
    (told,) = retell(record, {line.key: line}).values()
    assert told.problem is None
    replies = [(entry.get("name"), entry["text"]) for entry in told.talk if entry["role"] == "reply"]
    assert replies == [
        ("simulated user" if step.asked == "user" else None, step.generation.text) for step in line.steps
    ]
    results = [entry["text"] for entry in told.talk if "execution:[" in entry["text"] and entry["role"] == "user"]
    assert len(results) == len(case["process"]), "each result is told once, without what came before"


@pytest.mark.parametrize("leaf", ["agent_multi_step_zh", "agent_multi_turn_zh"])
def test_two_servers_play_an_agents_category(leaf, tmp_path):
    """The model repeats its first call, so that what each side is sent and how it ends is known."""

    def agent(asked):
        last = asked.body["messages"][-1]["content"].rstrip("\n").rpartition("\n")[2]
        return Answer(chat("finish conversation" if last.startswith("execution") else "[login_device()]"))

    with loopback(agent) as model, loopback(lambda asked: Answer(chat("Please help."))) as user:
        sides = ("--model", "agent", "--base-url", model.url, "--user-model", "person", "--user-base-url", user.url)
        (record,) = json.loads(invoke("run", *sides, "-t", leaf, "--limit", 6, "-o", tmp_path, "--json"))
    assert (record["status"], record["scores"][leaf]["judged"]) == ("complete", 6)
    turns = leaf.startswith("agent_multi_turn")
    assert len(model.asked) == 12
    assert len(user.asked) == (6 if turns else 0)
    assert {asked.body["model"] for asked in model.asked} == {"agent"}
    if turns:
        assert record["tokens"] == {"prompt": 132, "completion": 60, "user_prompt": 66, "user_completion": 30}
        assert (user.asked[0].body["temperature"], user.asked[0].body["max_tokens"]) == (0.001, 1000)
        assert record["user"]["engine"]["name"] == "openai"
        assert user.asked[0].body["messages"][0]["content"].startswith("<zh> Play this person: ")


def test_the_simulated_user_is_demanded_before_anything_is_played(tmp_path):
    found = CliRunner().invoke(
        cli, ["run", *scripted("model", "/dev/null")[:4], "-t", "agent_multi_turn_en", "-o", str(tmp_path)]
    )
    assert found.exit_code != 0
    assert "--user-model" in str(found.exception)
