"""The memory of BFCL's agentic categories beside the official package's: results of calls and texts of prompts.

    PYTHONPATH=.:OFFICIAL python tests/bench/parity_memory.py --rounds 3 [--memory-encoder FOLDER]

OFFICIAL is a folder with `bfcl_eval` 2026.3.23 and what it imports. Both sides get the same random calls, conversation
by conversation and then question by question; theirs go from snapshot file to snapshot file. Printed by category: calls
and prompts compared, those that are equal to the last character, and the CPU seconds of each side.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.benchmarks.bfcl import agentic, data
from harness.benchmarks.bfcl.agentic import encoder
from harness.types import Episode, Generation, Reply, Sample, Step

QUESTIONS = 10
"""Of each scenario."""
SENTENCE = "Anna bought three red bicycles in Bern last May and hates cold coffee but loves long walks by the sea"
WORDS = SENTENCE.split(" ")
Call = tuple[str, dict[str, Any]]


def calls(rng: random.Random, category: str, asks: bool) -> list[Call]:
    """Some calls; of a question only such that look things up."""

    def text(most: int = 14) -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(1, most)))

    if category == "memory_rec_sum":
        kinds: list[Call] = [("memory_retrieve", {})]
        changes: list[Call] = [
            ("memory_append", {"text": text()}),
            ("memory_replace", {"old_text": "Anna", "new_text": text(3)}),
        ]
    else:
        place, key = rng.choice(["core", "archival"]), "_".join(rng.sample(["name", "town", "pet", "job"], 2)).lower()
        if category == "memory_kv":
            kinds = [(f"{place}_memory_key_search", {"query": text(4), "k": 3}), (f"{place}_memory_list_keys", {})]
            changes = [(f"{place}_memory_add", {"key": key, "value": text()}), (f"{place}_memory_remove", {"key": key})]
        else:
            kinds = [(f"{place}_memory_retrieve", {"query": text(8), "top_k": rng.randint(1, 6)})]
            changes = [(f"{place}_memory_add", {"text": text()})] * 3
            changes += [(f"{place}_memory_update", {"vec_id": rng.randint(0, 5), "new_text": text()})]
            changes += [(f"{place}_memory_remove", {"vec_id": rng.randint(0, 9)})]
    return [rng.choice(kinds if asks or rng.random() < 0.3 else changes) for _ in range(rng.randint(2, 6))]


def ours(found: Mapping[str, Sample[Any]], scripts: Mapping[str, list[Call]]) -> Iterator[tuple[str, list[str]]]:
    """The texts of each sample: the system prompt, and the result of each call."""
    before: dict[str, Episode] = {}
    for name, script in scripts.items():
        play = agentic.play(found[name], {other: before[other] for other in found[name].after})
        query = next(play)
        written = [f"{call}({', '.join(f'{key}={value!r}' for key, value in given.items())})" for call, given in script]
        reply = Reply(None, f"[{', '.join(written)}]")
        texts = [str(query.messages[0]["content"])]
        query = play.send(reply)
        texts += [str(message["content"]) for message in query.messages if message["role"] == "tool"]
        before[name] = Episode(name, (Step(0, Generation(reply.text), reply),))
        play.close()
        yield name, texts


def theirs(
    category: str, found: Mapping[str, Sample[Any]], scripts: Mapping[str, list[Call]]
) -> Iterator[tuple[str, list[str]]]:
    """The same by the official classes, which write and read snapshot files."""
    file = data.FUNCTION_DOCS[f"MemoryAPI_{category.removeprefix('memory_')}"]
    module = importlib.import_module(f"bfcl_eval.eval_checker.multi_turn_eval.func_source_code.{file}")
    with tempfile.TemporaryDirectory() as folder:
        for name, script in scripts.items():
            memory = getattr(module, f"MemoryAPI_{category.removeprefix('memory_')}")()
            scenario = found[name].target["scenario"]
            memory._load_scenario({"model_result_dir": Path(folder), "test_id": name, "scenario": scenario})
            texts = [memory._dump_core_memory_to_context()]
            for call, given in script:
                try:
                    result = getattr(memory, call)(**given)
                    texts.append(json.dumps(result) if isinstance(result, dict) else str(result))
                except Exception as error:  # as the official loop shows it
                    texts.append(f"Error during execution: {error}")
            if agentic.is_earlier(name):
                memory._flush_memory_to_local_file()
            yield name, texts


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-encoder", type=Path)
    parser.add_argument("--category", action="append")
    given = parser.parse_args()
    encoder.use(given.memory_encoder)
    for category in given.category or data.MEMORY:
        counts, seconds = Counter[str](), Counter[str]()
        found = {sample.id: sample for sample in agentic.samples(category)}
        for number in range(given.rounds):
            rng = random.Random(number)
            for scenario in dict.fromkeys(sample.target["scenario"] for sample in found.values()):
                own = [sample.id for sample in found.values() if sample.target["scenario"] == scenario]
                names = [name for name in own if agentic.is_earlier(name)]
                names += [name for name in own if not agentic.is_earlier(name)][:QUESTIONS]
                scripts = {name: calls(rng, category, asks=not agentic.is_earlier(name)) for name in names}
                start = time.process_time()
                mine = dict(ours(found, scripts))
                seconds["ours"] += round(time.process_time() - start, 2)
                start = time.process_time()
                other = dict(theirs(category, found, scripts))
                seconds["theirs"] += round(time.process_time() - start, 2)
                for name, (prompt, *results) in mine.items():
                    content, *official = other[name]
                    counts["prompts"] += 1
                    counts["equal prompts"] += content in prompt
                    counts["results"] += len(official)
                    counts["equal results"] += sum(map(str.__eq__, results, official))
        print(category, dict(counts), {side: round(value, 1) for side, value in seconds.items()})


if __name__ == "__main__":
    main()
