"""What each agentic category needs besides the pinned data, and whether it is there.

Web search fetches the addresses that a model asks for, from the machine the harness runs on: give it the key only where
that may be.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from typing import NamedTuple

from harness import machine
from harness.benchmarks.bfcl.agentic import encoder

SEARCH_KEY = "SERPAPI_API_KEY"


class Needs(NamedTuple):
    """Packages to import, the extra that installs them, and an environment variable."""

    modules: tuple[str, ...] = ()
    extra: str = ""
    variable: str = ""


_SEARCH = Needs(("html2text", "requests", "bs4", "serpapi"), "web-search", SEARCH_KEY)

NEEDS: Mapping[str, Needs] = {
    "memory_kv": Needs(("rank_bm25",), "memory"),
    "memory_vector": Needs(("sentence_transformers", "faiss"), "memory-vector"),
    "memory_rec_sum": Needs(),
    "web_search_base": _SEARCH,
    "web_search_no_snippet": _SEARCH,
}


def unavailable(category: str) -> str | None:
    """Why a category cannot be run here, with the remedy; None where it can. Judging results needs none of this."""
    needs = NEEDS[category]
    missing = [module for module in needs.modules if importlib.util.find_spec(module) is None]
    if missing:
        return f"it needs {', '.join(missing)} ({machine.install(needs.extra)})"
    if needs.variable and not os.environ.get(needs.variable):
        return f"it asks a paid search service and needs its key in {needs.variable}"
    return encoder.missing() if category == "memory_vector" else None
