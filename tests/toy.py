"""A small benchmark for tests of the runner: what a sample wants is in its id, and replies can make things go wrong.

`python -m tests.toy run --tasks ...` is the `harness` command with this benchmark added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from harness import plugins
from harness.protocols import Play
from harness.types import Episode, Query, Sample, Verdict

SIZE = 12


class Toy:
    """`echo_3` wants "echo_3"; a reply `crash in check` or `crash in play` raises there.

    `talk` has three turns; in `chain` every sample needs the one before it, whose last reply it quotes; `hint` is an
    unscored helper of `hinted`; `double` counts in two categories.
    """

    name = "toy"
    version = "1"
    runs_programs = False
    parts = None
    with_user: tuple[str, ...] = ()
    prepare = None
    called = None
    part_sha256 = None
    text_only: tuple[str, ...] = ()
    scored: tuple[str, ...] = ()

    def __init__(self, check_workers: int = 0) -> None:
        self.check_workers = check_workers

    def tasks(self) -> Mapping[str, Sequence[str]]:
        leaves = ("echo", "talk", "chain", "hint", "hinted", "double")
        return {**{leaf: (leaf,) for leaf in leaves}, "single_turn": ("echo", "double"), "all_of_it": leaves}

    def data_sha256(self) -> str:
        return "0" * 64

    def load(self, categories: Sequence[str]) -> Iterable[Sample[Any]]:
        for category in categories:
            for i in range(SIZE):
                turns = 3 if category == "talk" else 1
                asked = tuple(({"role": "user", "content": f"{category} {i} turn {turn}"},) for turn in range(turns))
                after = {"chain": (f"chain_{i - 1}",) if i else (), "hinted": (f"hint_{i}",)}.get(category, ())
                yield Sample(f"{category}_{i}", category, asked, (), f"{category}_{i}", after)

    def play(self, sample: Sample[Any], before: Mapping[str, Episode]) -> Play:
        messages: list[Mapping[str, Any]] = [
            {"role": "system", "content": episode.steps[-1].reply.text} for episode in before.values()
        ]
        for turn, opening in enumerate(sample.turns):
            messages += opening
            reply = yield Query(tuple(messages), turn=turn)
            if reply.text == "crash in play":
                raise ValueError("played badly")
            messages.append({"role": "assistant", "content": reply.text})

    def check(self, sample: Sample[Any], episode: Episode, rules: str = "upstream") -> Mapping[str, Verdict]:
        replies = [step.reply.text for step in episode.steps]
        if "crash in check" in replies:
            raise ValueError("checked badly")
        good = all(reply == sample.target or rules == "lenient" for reply in replies)
        verdict = Verdict("pass") if good else Verdict("fail", "wrong", evidence={"replies": replies})
        if sample.category == "hint":
            return {}
        return {sample.category: verdict} | ({"double_plus": verdict} if sample.category == "double" else {})


def install(toy: Toy, patch: Callable[[Any, str, Any], None] = setattr) -> None:
    """Add the benchmark to the plug-ins."""
    names, load = plugins.names, plugins.load
    patch(plugins, "names", lambda kind: sorted([*names(kind), "toy"]) if kind == "benchmarks" else names(kind))
    patch(plugins, "load", lambda kind, name: toy if (kind, name) == ("benchmarks", "toy") else load(kind, name))


if __name__ == "__main__":
    from harness.cli import main

    install(Toy())
    main()
