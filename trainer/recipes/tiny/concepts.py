"""What a parameter can mean: its names, its types, its values, and how a question speaks of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from trainer.recipes.tiny import words as w


class Value(NamedTuple):
    """A value twice: as the question says it, and as a Python literal."""

    text: str
    literal: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A parameter's type with its values."""

    type: str
    sample: Callable[[Random], Value]
    hint: str = ""
    """Words for the description, for example `in meters`."""
    items: str = ""
    """Element type of an array."""
    enum: tuple[str, ...] = ()


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


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def invented(rng: Random) -> str:
    """A word of no language, so that copying cannot lean on knowing it: syllables, or parts as in learned words."""
    if rng.random() < 0.5:
        parts = [rng.choice(w.SYLLABLES_START) + rng.choice(w.SYLLABLES_MIDDLE) + rng.choice(w.SYLLABLES_END)]
        while rng.random() < 0.5 and len(parts) < 4:
            parts.append(rng.choice(w.SYLLABLES_START) + rng.choice(w.SYLLABLES_MIDDLE) + rng.choice(w.SYLLABLES_END))
        return "".join(parts)
    parts = [rng.choice(w.STEMS)]
    if rng.random() < 0.5:
        parts.insert(0, rng.choice(w.PREFIXES))
    if rng.random() < 0.25:
        parts.append(rng.choice(w.SYLLABLES_MIDDLE) + rng.choice(w.STEMS))
    if rng.random() < 0.8:
        parts.append(rng.choice(w.SUFFIXES))
    return "".join(parts)


def thing(rng: Random) -> str:
    """A noun, a word of any kind, or an invented one."""
    roll = rng.random()
    if roll < 0.55:
        return rng.choice(w.NOUNS)
    return rng.choice(w.EXTRA) if roll < 0.75 else invented(rng)


def whole(rng: Random) -> int:
    """A whole number; small ones are more frequent, every length up to six digits occurs."""
    roll = rng.random()
    if roll < 0.45:
        return rng.randrange(1, 21)
    if roll < 0.75:
        return rng.randrange(1, 101)
    if roll < 0.9:
        return rng.randrange(1, 1000) if rng.random() < 0.6 else 50 * rng.randrange(1, 40)
    if roll < 0.97:
        return rng.randrange(1000, 10000) if rng.random() < 0.5 else 100 * rng.randrange(10, 200)
    return rng.randrange(10_000, 1_000_000) if rng.random() < 0.3 else 1000 * rng.randrange(10, 1000)


_SPELT = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def _integer_value(rng: Random) -> Value:
    number = whole(rng)
    roll = rng.random()
    if roll < 0.05:
        return Value(f"-{number}", f"-{number}")
    if roll < 0.09:
        number = rng.randrange(1, 13)
        return Value(_SPELT[number], str(number))
    if number >= 1000 and roll < 0.4:
        return Value(f"{number:,}", str(number))
    return Value(str(number), str(number))


def _float_value(rng: Random) -> Value:
    if rng.random() < 0.4:
        return _integer_value(rng)
    digits = rng.choice((1, 1, 1, 2, 2, 3))
    text = f"{rng.choice((0, whole(rng) % 100, whole(rng) % 1000))}.{rng.randrange(1, 10**digits):0{digits}d}"
    return Value(text, text)


def _percent_value(rng: Random) -> Value:
    number = rng.randrange(1, 20) if rng.random() < 0.8 else rng.randrange(20, 96)
    if rng.random() < 0.25:
        half = f"{number}.5"
        return Value(half + "%", f"0.{number:02d}5")
    return Value(f"{number}%", f"0.{number:02d}".rstrip("0") if number % 10 == 0 else f"0.{number:02d}")


def _money_value(rng: Random) -> Value:
    number = whole(rng) * rng.choice((1, 1, 10, 100, 1000))
    text = f"{number:,}" if number >= 1000 and rng.random() < 0.4 else str(number)
    return Value("$" + text if rng.random() < 0.6 else text + " dollars", str(number))


def _units(value: Callable[[Random], Value]) -> Callable[[Random], Value]:
    def sample(rng: Random) -> Value:
        text, literal = value(rng)
        return Value(f"{text} {rng.choice(w.UNITS)}" if rng.random() < 0.35 else text, literal)

    return sample


def _number(rng: Random) -> Kind:
    hint = rng.choice(("", "in " + rng.choice(w.UNITS), "as a number"))
    if rng.random() < 0.6:
        return Kind("integer", _units(_integer_value), hint)
    return Kind("float", _units(_float_value), hint)


def _texts(options: Sequence[str]) -> Callable[[Random], Value]:
    def sample(rng: Random) -> Value:
        text = rng.choice(options)
        return Value(text, _quoted(text))

    return sample


def _string(options: Sequence[str], hint: str = "") -> Callable[[Random], Kind]:
    return lambda rng: Kind("string", _texts(options), hint)


def _maybe_list(options: Sequence[str]) -> Callable[[Random], Kind]:
    def kind(rng: Random) -> Kind:
        if rng.random() < 0.3:
            return Kind("array", _list_of(lambda r: r.choice(options), quote=True), items="string")
        return Kind("string", _texts(options))

    return kind


def _list_of(element: Callable[[Random], str], quote: bool) -> Callable[[Random], Value]:
    def sample(rng: Random) -> Value:
        values: list[str] = []
        for _ in range(rng.choice((2, 2, 3, 3, 4, 5))):
            values.append(element(rng))
        literal = "[" + ", ".join(_quoted(value) if quote else value for value in values) + "]"
        roll = rng.random()
        if roll < 0.45 and not quote:
            return Value(literal, literal)
        if roll < 0.8:
            return Value(", ".join(values[:-1]) + " and " + values[-1], literal)
        if roll < 0.9:
            return Value(", ".join(values), literal)
        return Value(literal, literal)

    return sample


def _numbers(rng: Random) -> Kind:
    if rng.random() < 0.65:
        return Kind("array", _list_of(lambda r: str(whole(r)), quote=False), "as a list", items="integer")
    return Kind("array", _list_of(lambda r: _float_value(r).literal, quote=False), "as a list", items="float")


def _date_value(rng: Random) -> Value:
    year, month, day = rng.randrange(1950, 2031), rng.randrange(1, 13), rng.randrange(1, 29)
    iso = f"{year}-{month:02d}-{day:02d}"
    roll = rng.random()
    if roll < 0.5:
        return Value(iso, _quoted(iso))
    name = w.MONTHS[month - 1]
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in (11, 12, 13) else 0, "th")
    text = rng.choice(
        (
            f"{name} {day}, {year}",
            f"{name} {day}{suffix}, {year}",
            f"{day} {name} {year}",
            f"{day}{suffix} {name} {year}",
        )
    )
    return Value(text, _quoted(iso))


def _time_value(rng: Random) -> Value:
    hour, minute = rng.randrange(1, 24), rng.choice((0, 0, 15, 30, 45))
    if hour <= 12 and rng.random() < 0.5:
        text = f"{hour} {rng.choice(('AM', 'PM', 'am', 'pm'))}"
    else:
        text = f"{hour:02d}:{minute:02d}"
    return Value(text, _quoted(text))


def _flag(rng: Random) -> Kind:
    def sample(rng: Random) -> Value:
        return rng.choice(
            (
                Value("yes", "True"),
                Value("no", "False"),
                Value("true", "True"),
                Value("false", "False"),
                Value("True", "True"),
            )
        )

    return Kind("boolean", sample, rng.choice(("or not", "if true", "")))


def _choice(rng: Random) -> Kind:
    options = tuple(rng.choice(w.ENUMS).split())
    return Kind("string", _texts(options), "", enum=options)


def person(rng: Random) -> str:
    """A person's name, invented from common ones."""
    first = rng.choice(w.FIRST)
    return first if rng.random() < 0.4 else f"{first} {rng.choice(w.LAST)}"


def _people(rng: Random) -> Kind:
    def sample(rng: Random) -> Value:
        name = person(rng)
        return Value(name, _quoted(name))

    return Kind("string", sample)


def _year(rng: Random) -> Kind:
    def sample(rng: Random) -> Value:
        year = str(rng.randrange(1800, 2031))
        return Value(year, year)

    return Kind("integer", sample)


def _count(rng: Random) -> Kind:
    def sample(rng: Random) -> Value:
        if rng.random() < 0.2:
            number = rng.randrange(1, 13)
            return Value(_SPELT[number], str(number))
        text = str(rng.randrange(1, 30))
        return Value(text, text)

    return Kind("integer", sample)


def _free_text(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.2:
        return invented(rng).capitalize()
    if roll < 0.35:
        return f"{invented(rng).capitalize()} {rng.choice((invented(rng), thing(rng))).capitalize()}"
    if roll < 0.43:
        return rng.choice(w.TOPICS)
    if roll < 0.58:
        return f"{rng.choice(w.ADJECTIVES)} {thing(rng)}"
    if roll < 0.68:
        return f"{rng.choice(w.ADJECTIVES)} {thing(rng)}".title()
    if roll < 0.78:
        return f"The {thing(rng)} of {thing(rng)}".title().replace(" Of ", " of ")
    if roll < 0.84:
        return "".join(rng.choice("ABCDEFGHKLMNPRSTXYZ") for _ in range(rng.choice((2, 3)))) + str(
            rng.randrange(10, 10000)
        )
    if roll < 0.9:
        square, linear, constant = rng.randrange(2, 10), rng.randrange(1, 10), rng.randrange(1, 20)
        return f"{square}x^2 {rng.choice('+-')} {linear}x {rng.choice('+-')} {constant}"
    return thing(rng)


def _free_string(rng: Random) -> Kind:
    quoted = rng.random() < 0.35

    def sample(rng: Random) -> Value:
        text = _free_text(rng)
        mark = rng.choice("'\"") if quoted else ""
        return Value(f"{mark}{text}{mark}", _quoted(text))

    return Kind("string", sample)


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

_NUMBER = Concept(_plain, _number, _NAMED)
_TEXT = Concept(_plain, _free_string, (*_NAMED, "the {w} called {v}", "the {w} {v}", "for the {w} {v}"))
_CHOICE = Concept(_plain, _choice, (*_NAMED, "in {v} {w}", "in {v}", "with {v} {w}", "{v}"))
_FLAG = Concept(_plain, _flag, ("{w} {v}", "{w} set to {v}", "{w}: {v}", "{w} = {v}", "{w} is {v}"))
_LIST = Concept(_plain, _numbers, (*_NAMED, "the {w} {v}", "{v}"))


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
        _maybe_list(w.CITIES),
        ("in {v}", "in {v}", "for {v}", "at {v}", "near {v}", "in the city of {v}", "around {v}", "{w} {v}", "of {v}"),
    ),
    Concept(
        _compound("origin", "start_location", "departure_city", "from_city", "source"),
        _string(w.CITIES),
        ("from {v}", "from {v}", "starting in {v}", "leaving {v}", "starting from {v}"),
    ),
    Concept(
        _compound("destination", "end_location", "arrival_city", "to_city", "target"),
        _string(w.CITIES),
        ("to {v}", "to {v}", "going to {v}", "ending in {v}", "for {v}"),
    ),
    Concept(
        _compound("country", "nation", "region"),
        _string(w.COUNTRIES),
        ("in {v}", "of {v}", "for {v}", "from {v}", "{w} {v}"),
    ),
    Concept(_compound("state", "region"), _string(w.STATES), ("in {v}", "in the state of {v}", "for {v}", "{w} {v}")),
    Concept(
        _compound("name", "person", "author", "player", "artist", "student", "user"),
        _people,
        ("for {v}", "by {v}", "of {v}", "{w} {v}", "named {v}", "called {v}", "with {v}"),
    ),
    Concept(
        _compound("company", "company_name", "brand", "stock", "organization"),
        _maybe_list(w.COMPANIES),
        ("of {v}", "for {v}", "at {v}", "from {v}", "{w} {v}", "by {v}"),
    ),
    Concept(
        _compound("food", "dish", "ingredient", "meal", "item"),
        _maybe_list(w.FOODS),
        ("of {v}", "for {v}", "with {v}", "{w} {v}", "using {v}"),
    ),
    Concept(
        _compound("color", "colour"),
        _string(w.COLORS),
        ("in {v}", "in {v} color", "{v}", "colored {v}", "with {w} {v}"),
    ),
    Concept(
        _compound("language", "target_language"),
        _string(w.LANGUAGES),
        ("in {v}", "to {v}", "into {v}", "from {v}", "{w} {v}"),
    ),
    Concept(
        _compound("currency", "base_currency", "from_currency", "to_currency"),
        _string(w.CURRENCIES),
        ("in {v}", "to {v}", "from {v}", "into {v}", "{w} {v}"),
    ),
    Concept(_compound("month"), _string(w.MONTHS), ("in {v}", "for {v}", "during {v}")),
    Concept(_compound("day", "weekday"), _string(w.WEEKDAYS), ("on {v}", "for {v}", "next {v}")),
    Concept(
        _compound("sport", "game", "league"),
        _string(w.SPORTS),
        ("of {v}", "for {v}", "in {v}", "playing {v}", "{w} {v}"),
    ),
    Concept(
        _compound("animal", "species", "creature"),
        _string(w.ANIMALS),
        ("of a {v}", "for the {v}", "of the {v}", "{w} {v}"),
    ),
    Concept(
        _compound("genre", "category", "style"),
        _maybe_list(w.GENRES),
        ("in the {v} genre", "of {v}", "{v}", "in {v} style", "{w} {v}"),
    ),
    Concept(_compound("instrument"), _string(w.INSTRUMENTS), ("for {v}", "on the {v}", "for the {v}", "{w} {v}")),
    Concept(
        _compound("material", "substance", "element", "gas"),
        _string(w.MATERIALS),
        ("of {v}", "for {v}", "made of {v}", "in {v}", "{w} {v}"),
    ),
    Concept(
        _compound("cuisine", "diet", "food_type"),
        _string(w.CUISINES),
        ("{v}", "for {v} food", "serving {v} food", "{w} {v}"),
    ),
    Concept(
        _compound("topic", "subject", "event", "theme", "field"),
        _maybe_list(w.TOPICS),
        ("about {v}", "on {v}", "of {v}", "for {v}", "related to {v}", "{w} {v}", "on the topic of {v}"),
    ),
    Concept(
        _compound("date", "start_date", "end_date", "day", "birth_date"),
        lambda rng: Kind("string", _date_value, "in YYYY-MM-DD format"),
        ("on {v}", "for {v}", "on {v}", "from {v}", "dated {v}", "starting {v}", "{w} {v}"),
    ),
    Concept(
        _compound("time", "start_time", "hour"),
        lambda rng: Kind("string", _time_value),
        ("at {v}", "for {v}", "by {v}", "starting at {v}"),
    ),
    Concept(_compound("year"), _year, ("in {v}", "for the year {v}", "for {v}", "in the year {v}", "of {v}")),
    Concept(
        lambda rng: f"{rng.choice(('num', 'number_of', 'max', 'total', 'n', 'count'))}_{rng.choice(w.COUNTED)}",
        _count,
        ("for {v} {u}", "{v} {u}", "with {v} {u}", "of {v} {u}", "for {v}", "{w} of {v}"),
    ),
    Concept(
        lambda rng: rng.choice(w.COUNTED),
        _count,
        ("for {v} {w}", "{v} {w}", "with {v} {w}", "{w} of {v}", "in {v} {w}"),
    ),
    Concept(
        _compound("price", "budget", "amount", "cost", "salary", "principal", "income", "investment"),
        lambda rng: Kind(rng.choice(("integer", "float")), _money_value),
        ("of {v}", "a {w} of {v}", "{w} of {v}", "for {v}", "with {v}", "{w} {v}", "under {v}"),
    ),
    Concept(
        _compound("rate", "interest_rate", "discount", "tax", "growth_rate"),
        lambda rng: Kind("float", _percent_value, "as a decimal"),
        ("{w} of {v}", "a {w} of {v}", "at {v}", "at a {w} of {v}", "with {v} {w}", "at {v} {w}"),
    ),
    Concept(
        lambda rng: f"{rng.choice(w.FLAG_VERBS)}_{rng.choice(w.NOUNS)}",
        _flag,
        ("{w}: {v}", "{w} set to {v}", "{w} = {v}", "{w} {v}"),
    ),
    Concept(
        _compound("unit", "units", "format", "mode", "type", "method", "size", "level", "order"),
        _choice,
        ("in {v}", "in {v} {w}", "{w} {v}", "with {w} {v}", "using {v}", "using the {v} {w}", "{v}"),
    ),
    Concept(
        _compound("title", "book", "movie", "song", "product", "model", "text", "id", "keyword", "query", "project"),
        _free_string,
        ("{v}", "of {v}", "the {w} {v}", "for {v}", "called {v}", "titled {v}", "about {v}", "named {v}"),
    ),
    Concept(
        _compound("data", "numbers", "values", "scores", "dataset", "array", "list", "points"),
        _numbers,
        ("{v}", "of {v}", "for {v}", "of the {w} {v}", "the {w} {v}", "with {w} {v}", "from {v}"),
    ),
)
