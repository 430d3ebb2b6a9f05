"""The search service behind the web search categories: whether it works is not a property of a model.

The pinned environment tells a model alike that nothing was found and that the service refuses its key, and repeats a
request without end where the account is used up. Here a search that the service does not carry out ends the item as a
fault, which is unscored and played again by the same command.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping
from typing import Any

DOWN = "the search service failed"
NOTHING_FOUND = "hasn't returned any results"
"""What the service says of a search that it did carry out."""
BUSY = "429"
TRIES = 5
"""Requests, where the service asks to slow down; the waits between them double from `FIRST_WAIT` seconds."""
FIRST_WAIT = 2.0


class Search:
    """SerpApi's client, which tells failures of the service from searches without a result.

    Args:
        parameters: Of the request; the key among them is never shown.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = dict(parameters)

    def get_dict(self) -> dict[str, Any]:
        """What the service found.

        Raises:
            ConnectionError: It did not search; the message starts with `DOWN`.
        """
        for attempt in range(TRIES):
            found, problem = self._ask()
            if not problem:
                return found
            if BUSY not in problem:
                break
            if attempt < TRIES - 1:
                time.sleep(FIRST_WAIT * 2**attempt)
        # The environment repeats a request for ever whose error holds this number.
        raise ConnectionError(f"{DOWN}: {problem.replace(BUSY, 'too many requests')}")

    def _ask(self) -> tuple[dict[str, Any], str]:
        try:
            found = dict(importlib.import_module("serpapi").GoogleSearch(self._parameters).get_dict())
        except Exception as error:  # noqa: BLE001 - whatever the client raises, the search was not carried out
            return {}, self._without_key(f"{type(error).__name__}: {error}")
        said = str(found.get("error") or "")
        done = "organic_results" in found or not said or NOTHING_FOUND in said
        return found, "" if done else self._without_key(said)

    def _without_key(self, text: str) -> str:
        key = str(self._parameters.get("api_key") or "")
        return (text.replace(key, "***") if key else text)[:500]
