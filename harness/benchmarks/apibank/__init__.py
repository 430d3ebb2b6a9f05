"""API-Bank: `judge` judges one call, `judge_response` one response, `PLUGIN` is the whole benchmark.

Two protocols, never in one column: `official` executes calls as the benchmark's own evaluator does, with recorded
dialogues (teacher forcing), fresh databases for each item and all its quirks; `exact` is ToolRL's comparison of calls
as JSON on its 597 items. Upstream: AlibabaResearch/DAMO-ConvAI, `api-bank`, and qiancheng0/ToolRL.
"""

from __future__ import annotations

from typing import Any

from harness.types import Verdict


def judge(level: int, sample_id: str, raw: Any, protocol: str = "official", *, search: str | None = None) -> Verdict:
    """Judge one reply to one call.

    Args:
        level: 1, 2 or 3.
        sample_id: `level-1/<file>#<id>`, `level-3/<scene>:<call>`, or in the exact protocol `Level1_0`; what stands
            before the last `/` may be left out.
        raw: What the model answered.
        protocol: `official` or `exact`.
        search: The API that ToolSearcher is taken to find; without it recorded keywords decide. Official only.

    Returns:
        The verdict; level 3 is judged as if this were the first call of a run (`scenes.Stage` judges whole runs). The
        code is upstream's error kind, `CRASH:<Python error>` where its run would end, `HANG` where it never would.
        Unscored with `unknown_keywords` where only the embedding model could say what a search finds.

    Raises:
        UsageProblem: Unknown level, id or protocol; near matches are offered.
    """
    from harness.benchmarks.apibank import verdicts

    return verdicts.judge(level, sample_id, raw, protocol, search)


def judge_response(level: int, sample_id: str, raw: Any) -> Verdict:
    """Judge one response by ROUGE-L, as the official evaluator of its level computes it.

    Args:
        level: 1, 2 or 3.
        sample_id: `level-1-response/<file>#<id>` or `level-3-response/<scene>`; what stands before the last `/` may be
            left out.
        raw: What the model answered.

    Returns:
        Passes with half of the best score; `evidence["credit"]` is the score.

    Raises:
        UsageProblem: Unknown level or id; near matches are offered.
    """
    from harness.benchmarks.apibank import verdicts

    return verdicts.judge_response(level, sample_id, raw)


def __getattr__(name: str) -> Any:
    if name == "PLUGIN":
        from harness.benchmarks.apibank.benchmark import PLUGIN

        return PLUGIN
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
