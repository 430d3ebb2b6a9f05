"""Tables that are asked and never written: encyclopaedia, stocks, captions, documents, mail and music.

Dictionary and Translate ask servers upstream. Here they know the answers that the dialogues record, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from harness.benchmarks.apibank.data import calls, database
from harness.benchmarks.apibank.records import Refused
from harness.benchmarks.apibank.rules import (
    DAY,
    as_it_is,
    date,
    day_of_year,
    folded,
    inputs,
    output_only,
    same_end,
    shouted,
    stripped,
    whole_input,
    without_input,
)
from harness.benchmarks.apibank.tools import tool
from harness.benchmarks.apibank.tools.clinic import require_time

TODAY = "2023-03-31"


@tool(without_input)
def get_today() -> str:
    """The day on which all dialogues take place."""
    return TODAY


@tool(inputs(stock_code=shouted, date=date))
def query_stock(stock_code: str, date: str) -> float:
    """A stock's price on a day."""
    day = require_time(date, DAY).strftime(DAY)
    price: float | None = database("Stock").get(shouted(stock_code), {}).get(day)
    if price is None:
        raise Refused("unknown stock or day")
    return price


@tool(inputs(date=day_of_year))
def query_history_today(date: str) -> list[str]:
    """What happened on a day of the year."""
    events = database("History").get(day_of_year(date))
    if events is None:
        raise Refused("unknown day")
    parts = ("Title", "Date", "Description")
    return [", ".join(f"{part}: {event[part].strip()}" for part in parts) for event in events]


@tool(same_end)
def wiki(keyword: str) -> dict[str, str]:
    """Address and summary of an article."""
    article = database("Wiki").get(_entry(keyword))
    if article is None:
        raise Refused("unknown article")
    return {part: article[part] for part in ("url", "summary")}


@tool(same_end)
def dictionary(keyword: str) -> Any:
    """Meanings of a word, as recorded."""
    known = _recorded("Dictionary", "keyword")
    if (entry := _entry(keyword)) not in known:
        raise Refused("no recorded answer")
    return known[entry]


def _entry(keyword: str) -> str:
    return folded(keyword.replace("_", " "))


@tool(inputs(src=as_it_is), sparse=True)
def translate(src: str, src_lang: str = "en", tgt_lang: str = "en") -> Any:
    """A translation from English, as recorded for the text and the language."""
    for call in calls("Translate"):
        asked = call["input"]
        if asked["src"] == src and _is_language(src_lang, "en") and _is_language(tgt_lang, asked["tgt_lang"]):
            return call["output"]
    raise Refused("no recorded answer")


LANGUAGES = {"en": "english", "es": "spanish", "fr": "french"}
"""Those of the recorded translations."""


def _is_language(text: str, code: str) -> bool:
    """Whether a text is a language's code or holds its name."""
    return text.lower() == code or LANGUAGES[code] in text.lower()


@cache
def _recorded(api: str, parameter: str) -> Mapping[str, Any]:
    return {folded(call["input"][parameter]): call["output"] for call in calls(api)}


@tool(whole_input)
def image_caption(url: str) -> str:
    """What a picture shows."""
    address = url.strip()
    if not address.endswith((".jpg", ".jpeg", ".png")) or address not in _captions():
        raise Refused("no such picture")
    return _captions()[address]


@cache
def _captions() -> Mapping[str, str]:
    return {item["url"]: item["caption"] for item in reversed(database("ImageCaptioning"))}


@tool(whole_input)
def speech_recognition(url: str) -> str:
    """What a recording says."""
    address = url.strip()
    text: str | None = database("SpeechRecognition").get(address)
    if not address.endswith(".wav") or text is None:
        raise Refused("no such recording")
    return text


UNANSWERED = "The question is too difficult to answer."


@tool(inputs(url=stripped, question=stripped), name="DocumentQA")
def document_qa(url: str, question: str) -> str:
    """Always the same: upstream looks for the question in a list of pairs and does not find it."""
    if not question.strip() or url.strip() not in database("QuestionAnswering"):
        raise Refused("no question or no such document")
    return UNANSWERED


_ADDRESS = re.compile(r"(?:[a-z0-9]{2,}|[a-z0-9]+[._][a-z0-9]+)@\w+[.]\w{2,3}")
"""Upstream's addresses; its own pattern backtracks."""


@tool(inputs(receiver=folded, subject=stripped, content=stripped))
def send_email(receiver: str, subject: str, content: str) -> str:
    """Send a mail."""
    address = receiver.strip()
    if not _ADDRESS.fullmatch(address) or not subject.strip() or not content.strip():
        raise Refused("no address, or an empty mail")
    return "success"


@tool(output_only)
def play_music(music_name: str) -> str:
    """The address that has a player play it."""
    if not (name := folded(music_name)):
        raise Refused("no name")
    return f"music://{name}"
