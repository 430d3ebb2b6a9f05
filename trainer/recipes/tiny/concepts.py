"""What a parameter can mean: its names, its kinds of values, and how a question speaks of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from trainer.recipes.tiny import words as w
from trainer.recipes.tiny.values import (
    Kind,
    Value,
    choice,
    count,
    date_value,
    flag,
    free_string,
    money_value,
    number,
    numbers,
    percent_value,
    person_name,
    string_of,
    string_or_list_of,
    thing,
    time_value,
    year,
)


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that parameters are about."""

    name: Callable[[Random], str]
    kind: Callable[[Random], Kind]
    phrases: tuple[str, ...]
    """Ways to say it: `{w}` the parameter's words, `{u}` the last of them, `{v}` the value's text."""

    def phrase(self, rng: Random, words: str, value: Value) -> str:
        """Say a value in the question."""
        return rng.choice(self.phrases).format(w=words, u=words.split()[-1], v=value.text)


def _compound(*heads: str) -> Callable[[Random], str]:
    def name(rng: Random) -> str:
        roll = rng.random()
        head = rng.choice(heads)
        if roll < 0.45:
            return head
        if roll < 0.75:
            return f"{rng.choice(w.ADJECTIVES)}_{head}"
        if roll < 0.9:
            return f"{thing(rng)}_{head}"
        return f"{head}_{rng.choice(('name', 'value', 'id', 'type', 'info'))}"

    return name


def _plain(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.42:
        return thing(rng)
    if roll < 0.6:
        return f"{rng.choice(w.ADJECTIVES)}_{thing(rng)}"
    if roll < 0.76:
        return f"{thing(rng)}_{thing(rng)}"
    if roll < 0.82:
        return f"{thing(rng)}_{rng.choice(('of', 'in', 'per', 'for', 'to'))}_{thing(rng)}"
    if roll < 0.86:
        return f"{thing(rng)}{rng.choice(('1', '2', '3', 'A', 'B'))}"
    if roll < 0.9:
        return thing(rng) + thing(rng).capitalize()
    if roll < 0.94:
        return f"{rng.choice(w.ADJECTIVES)}_{thing(rng)}_{thing(rng)}"
    return rng.choice("abcdefghkmnpqrstuvwxyz") + rng.choice(("", "", "1", "2"))


_NAMED = (
    "{w} of {v}",
    "{w} of {v}",
    "a {w} of {v}",
    "the {w} of {v}",
    "{w} {v}",
    "{w} is {v}",
    "the {w} is {v}",
    "{w} = {v}",
    "{w}={v}",
    "{w}: {v}",
    "{v} as the {w}",
    "{v} {w}",
    "{w} being {v}",
    "{w} set to {v}",
)

_NUMBER = Concept(_plain, number, _NAMED)
_TEXT = Concept(_plain, free_string, (*_NAMED, "the {w} called {v}", "the {w} {v}", "for the {w} {v}"))
_CHOICE = Concept(_plain, choice, (*_NAMED, "in {v} {w}", "in {v}", "with {v} {w}", "{v}"))
_FLAG = Concept(_plain, flag, ("{w} {v}", "{w} set to {v}", "{w}: {v}", "{w} = {v}", "{w} is {v}"))
_LIST = Concept(_plain, numbers, (*_NAMED, "the {w} {v}", "{v}"))


def generic(rng: Random, easy: bool) -> Concept:
    """A parameter whose name says nothing of its value.

    Args:
        rng: Source of the choice.
        easy: Numbers and texts only.

    Returns:
        The concept.
    """
    if easy:
        return _NUMBER if rng.random() < 0.6 else _TEXT
    return rng.choices((_NUMBER, _TEXT, _CHOICE, _FLAG, _LIST), (50, 20, 12, 6, 12))[0]


CONCEPTS: tuple[Concept, ...] = (
    Concept(
        _compound("city", "location", "city", "place", "town"),
        string_or_list_of(w.CITIES),
        ("in {v}", "in {v}", "for {v}", "at {v}", "near {v}", "in the city of {v}", "around {v}", "{w} {v}", "of {v}"),
    ),
    Concept(
        _compound("origin", "start_location", "departure_city", "from_city", "source"),
        string_of(w.CITIES),
        ("from {v}", "from {v}", "starting in {v}", "leaving {v}", "starting from {v}"),
    ),
    Concept(
        _compound("destination", "end_location", "arrival_city", "to_city", "target"),
        string_of(w.CITIES),
        ("to {v}", "to {v}", "going to {v}", "ending in {v}", "for {v}"),
    ),
    Concept(
        _compound("country", "nation", "region"),
        string_of(w.COUNTRIES),
        ("in {v}", "of {v}", "for {v}", "from {v}", "{w} {v}"),
    ),
    Concept(_compound("state", "region"), string_of(w.STATES), ("in {v}", "in the state of {v}", "for {v}", "{w} {v}")),
    Concept(
        _compound("name", "person", "author", "player", "artist", "student", "user"),
        person_name,
        ("for {v}", "by {v}", "of {v}", "{w} {v}", "named {v}", "called {v}", "with {v}"),
    ),
    Concept(
        _compound("company", "company_name", "brand", "stock", "organization"),
        string_or_list_of(w.COMPANIES),
        ("of {v}", "for {v}", "at {v}", "from {v}", "{w} {v}", "by {v}"),
    ),
    Concept(
        _compound("food", "dish", "ingredient", "meal", "item"),
        string_or_list_of(w.FOODS),
        ("of {v}", "for {v}", "with {v}", "{w} {v}", "using {v}"),
    ),
    Concept(
        _compound("color", "colour"),
        string_of(w.COLORS),
        ("in {v}", "in {v} color", "{v}", "colored {v}", "with {w} {v}"),
    ),
    Concept(
        _compound("language", "target_language"),
        string_of(w.LANGUAGES),
        ("in {v}", "to {v}", "into {v}", "from {v}", "{w} {v}"),
    ),
    Concept(
        _compound("currency", "base_currency", "from_currency", "to_currency"),
        string_of(w.CURRENCIES),
        ("in {v}", "to {v}", "from {v}", "into {v}", "{w} {v}"),
    ),
    Concept(_compound("month"), string_of(w.MONTHS), ("in {v}", "for {v}", "during {v}")),
    Concept(_compound("day", "weekday"), string_of(w.WEEKDAYS), ("on {v}", "for {v}", "next {v}")),
    Concept(
        _compound("sport", "game", "league"),
        string_of(w.SPORTS),
        ("of {v}", "for {v}", "in {v}", "playing {v}", "{w} {v}"),
    ),
    Concept(
        _compound("animal", "species", "creature"),
        string_of(w.ANIMALS),
        ("of a {v}", "for the {v}", "of the {v}", "{w} {v}"),
    ),
    Concept(
        _compound("genre", "category", "style"),
        string_or_list_of(w.GENRES),
        ("in the {v} genre", "of {v}", "{v}", "in {v} style", "{w} {v}"),
    ),
    Concept(_compound("instrument"), string_of(w.INSTRUMENTS), ("for {v}", "on the {v}", "for the {v}", "{w} {v}")),
    Concept(
        _compound("material", "substance", "element", "gas"),
        string_of(w.MATERIALS),
        ("of {v}", "for {v}", "made of {v}", "in {v}", "{w} {v}"),
    ),
    Concept(
        _compound("cuisine", "diet", "food_type"),
        string_of(w.CUISINES),
        ("{v}", "for {v} food", "serving {v} food", "{w} {v}"),
    ),
    Concept(
        _compound("topic", "subject", "event", "theme", "field"),
        string_or_list_of(w.TOPICS),
        ("about {v}", "on {v}", "of {v}", "for {v}", "related to {v}", "{w} {v}", "on the topic of {v}"),
    ),
    Concept(
        _compound("date", "start_date", "end_date", "day", "birth_date"),
        lambda rng: Kind("string", date_value, "in YYYY-MM-DD format"),
        ("on {v}", "for {v}", "on {v}", "from {v}", "dated {v}", "starting {v}", "{w} {v}"),
    ),
    Concept(
        _compound("time", "start_time", "hour"),
        lambda rng: Kind("string", time_value),
        ("at {v}", "for {v}", "by {v}", "starting at {v}"),
    ),
    Concept(_compound("year"), year, ("in {v}", "for the year {v}", "for {v}", "in the year {v}", "of {v}")),
    Concept(
        lambda rng: f"{rng.choice(('num', 'number_of', 'max', 'total', 'n', 'count'))}_{rng.choice(w.COUNTED)}",
        count,
        ("for {v} {u}", "{v} {u}", "with {v} {u}", "of {v} {u}", "for {v}", "{w} of {v}"),
    ),
    Concept(
        lambda rng: rng.choice(w.COUNTED),
        count,
        ("for {v} {w}", "{v} {w}", "with {v} {w}", "{w} of {v}", "in {v} {w}"),
    ),
    Concept(
        _compound("price", "budget", "amount", "cost", "salary", "principal", "income", "investment"),
        lambda rng: Kind(rng.choice(("integer", "float")), money_value),
        ("of {v}", "a {w} of {v}", "{w} of {v}", "for {v}", "with {v}", "{w} {v}", "under {v}"),
    ),
    Concept(
        _compound("rate", "interest_rate", "discount", "tax", "growth_rate"),
        lambda rng: Kind("float", percent_value, "as a decimal"),
        ("{w} of {v}", "a {w} of {v}", "at {v}", "at a {w} of {v}", "with {v} {w}", "at {v} {w}"),
    ),
    Concept(
        lambda rng: f"{rng.choice(w.FLAG_VERBS)}_{rng.choice(w.NOUNS)}",
        flag,
        ("{w}: {v}", "{w} set to {v}", "{w} = {v}", "{w} {v}"),
    ),
    Concept(
        _compound("unit", "units", "format", "mode", "type", "method", "size", "level", "order"),
        choice,
        ("in {v}", "in {v} {w}", "{w} {v}", "with {w} {v}", "using {v}", "using the {v} {w}", "{v}"),
    ),
    Concept(
        _compound("title", "book", "movie", "song", "product", "model", "text", "id", "keyword", "query", "project"),
        free_string,
        ("{v}", "of {v}", "the {w} {v}", "for {v}", "called {v}", "titled {v}", "about {v}", "named {v}"),
    ),
    Concept(
        _compound("data", "numbers", "values", "scores", "dataset", "array", "list", "points"),
        numbers,
        ("{v}", "of {v}", "for {v}", "of the {w} {v}", "the {w} {v}", "with {w} {v}", "from {v}"),
    ),
)
