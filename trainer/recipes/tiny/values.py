"""What parameters hold: values as a question says them and as a call writes them, by kind."""

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


def percent_value(rng: Random) -> Value:
    """A percentage; the literal is a fraction."""
    number = rng.randrange(1, 20) if rng.random() < 0.8 else rng.randrange(20, 96)
    if rng.random() < 0.25:
        half = f"{number}.5"
        return Value(half + "%", f"0.{number:02d}5")
    return Value(f"{number}%", f"0.{number:02d}".rstrip("0") if number % 10 == 0 else f"0.{number:02d}")


def money_value(rng: Random) -> Value:
    """An amount of money."""
    number = whole(rng) * rng.choice((1, 1, 10, 100, 1000))
    text = f"{number:,}" if number >= 1000 and rng.random() < 0.4 else str(number)
    return Value("$" + text if rng.random() < 0.6 else text + " dollars", str(number))


def _units(value: Callable[[Random], Value]) -> Callable[[Random], Value]:
    def sample(rng: Random) -> Value:
        text, literal = value(rng)
        return Value(f"{text} {rng.choice(w.UNITS)}" if rng.random() < 0.35 else text, literal)

    return sample


def number(rng: Random) -> Kind:
    """A number, maybe in a unit."""
    hint = rng.choice(("", "in " + rng.choice(w.UNITS), "as a number"))
    if rng.random() < 0.6:
        return Kind("integer", _units(_integer_value), hint)
    return Kind("float", _units(_float_value), hint)


def _texts(options: Sequence[str]) -> Callable[[Random], Value]:
    def sample(rng: Random) -> Value:
        text = rng.choice(options)
        return Value(text, _quoted(text))

    return sample


def string_of(options: Sequence[str], hint: str = "") -> Callable[[Random], Kind]:
    """One of these texts."""
    return lambda rng: Kind("string", _texts(options), hint)


def string_or_list_of(options: Sequence[str]) -> Callable[[Random], Kind]:
    """One of these texts, or a list of them."""

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


def numbers(rng: Random) -> Kind:
    """A list of numbers."""
    if rng.random() < 0.65:
        return Kind("array", _list_of(lambda r: str(whole(r)), quote=False), "as a list", items="integer")
    return Kind("array", _list_of(lambda r: _float_value(r).literal, quote=False), "as a list", items="float")


def date_value(rng: Random) -> Value:
    """A date in one of several forms; the literal is ISO 8601."""
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


def time_value(rng: Random) -> Value:
    """A time of day."""
    hour, minute = rng.randrange(1, 24), rng.choice((0, 0, 15, 30, 45))
    if hour <= 12 and rng.random() < 0.5:
        text = f"{hour} {rng.choice(('AM', 'PM', 'am', 'pm'))}"
    else:
        text = f"{hour:02d}:{minute:02d}"
    return Value(text, _quoted(text))


def flag(rng: Random) -> Kind:
    """True or false."""

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


def choice(rng: Random) -> Kind:
    """One of a few allowed words."""
    options = tuple(rng.choice(w.ENUMS).split())
    return Kind("string", _texts(options), "", enum=options)


def person(rng: Random) -> str:
    """A person's name, invented from common ones."""
    first = rng.choice(w.FIRST)
    return first if rng.random() < 0.4 else f"{first} {rng.choice(w.LAST)}"


def person_name(rng: Random) -> Kind:
    """A name of a person."""

    def sample(rng: Random) -> Value:
        name = person(rng)
        return Value(name, _quoted(name))

    return Kind("string", sample)


def year(rng: Random) -> Kind:
    """A year."""

    def sample(rng: Random) -> Value:
        year = str(rng.randrange(1800, 2031))
        return Value(year, year)

    return Kind("integer", sample)


def count(rng: Random) -> Kind:
    """A small whole number, maybe spelt."""

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


def free_string(rng: Random) -> Kind:
    """Any text, maybe in quotation marks."""
    quoted = rng.random() < 0.35

    def sample(rng: Random) -> Value:
        text = _free_text(rng)
        mark = rng.choice("'\"") if quoted else ""
        return Value(f"{mark}{text}{mark}", _quoted(text))

    return Kind("string", sample)
