"""Synthetic function-calling items of graded difficulty: documents, a question that holds the values, the calls.

A row at level 1, as `item(Random(0), level=1)` could make it:

    docs   {"name": "rate_forest", ..., "properties": {"humidity": {"type": "integer", ...}}, "required": ["humidity"]}
    query  Rate the forest with a humidity of 27 percent.
    think  rate_forest / humidity=27
    answer [rate_forest(humidity=27)]

Levels: 1 one function with one or two required parameters; 2 up to three parameters, optional ones, all value types;
3 up to four parameters, values that must be found without their name and written in another form; 4 adds choosing
among functions, parallel calls and questions that no function answers.

Split: every function name and parameter name belongs by its hash either to training or to the unseen tenth
(`unseen`). An item of one split uses names of that split only.
"""

from __future__ import annotations

import hashlib
import json
import keyword
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Literal

from harness.types import Example
from trainer.recipes.tiny import words as w
from trainer.recipes.tiny.concepts import CONCEPTS, Concept, generic
from trainer.recipes.tiny.values import Value
from trainer.recipes.tiny.values import thing as any_thing

Split = Literal["train", "unseen"]


@dataclass(frozen=True, slots=True)
class Item:
    """One question with its documents and its answer."""

    docs: tuple[dict[str, Any], ...]
    """Function documents in BFCL's dialect."""
    query: str
    calls: tuple[tuple[str, dict[str, str]], ...]
    """Function name and, by parameter, the literal as it stands in the answer; `-` where the parameter is left out."""

    @property
    def think(self) -> str:
        """One line a function, one line a parameter: `name=literal`, or `name-` where it is left out."""
        if not self.calls:
            return "none\n"
        lines = []
        for name, arguments in self.calls:
            lines.append(name)
            lines += [key + "-" if text == "-" else f"{key}={text}" for key, text in arguments.items()]
        return "".join(line + "\n" for line in lines)

    @property
    def answer(self) -> str:
        """The call list."""
        calls = []
        for name, arguments in self.calls:
            given = ", ".join(f"{key}={text}" for key, text in arguments.items() if text != "-")
            calls.append(f"{name}({given})")
        return f"[{', '.join(calls)}]"

    def example(self, name: str) -> Example:
        """The item as a training example of that id."""
        return Example(
            id=name,
            messages=({"role": "user", "content": self.query},),
            tools=self.docs,
            think=self.think.rstrip("\n"),
            answer=self.answer,
            source={"data": "synthetic"},
        )


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    concept: Concept
    words: str
    required: bool
    sample: Callable[[Random], Value]
    doc: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Function:
    name: str
    verb: str
    thing: str
    parameters: tuple[_Parameter, ...]
    doc: dict[str, Any]


@cache
def unseen(name: str) -> bool:
    """Whether a name is kept out of training: one in ten, by its SHA-1."""
    return hashlib.sha1(name.encode()).digest()[0] % 10 == 0


def _fits(name: str, split: Split) -> bool:
    legal = not any(keyword.iskeyword(part) for part in name.split("."))
    return legal and unseen(name) == (split == "unseen")


def _name(rng: Random, split: Split, make: Callable[[Random], str]) -> str:
    while True:
        name = make(rng)
        if _fits(name, split):
            return name


def _thing(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.55:
        return any_thing(rng)
    if roll < 0.75:
        return f"{rng.choice(w.ADJECTIVES)} {any_thing(rng)}"
    return " ".join(any_thing(rng) for _ in range(rng.choice((2, 2, 3))))


def _function_name(verb: str, what: str) -> Callable[[Random], str]:
    def make(rng: Random) -> str:
        words = what.split()
        roll = rng.random()
        if roll < 0.12:
            stem = "_".join(words)
        elif roll < 0.22:
            stem = verb + "".join(word.capitalize() for word in words)
        elif roll < 0.3:
            stem = "_".join([*words, verb])
        else:
            stem = "_".join([verb, *words])
        if rng.random() < 0.15:
            stem += "_" + rng.choice(("by", "for", "from", "with", "in")) + "_" + any_thing(rng)
        if rng.random() < 0.4:
            stem = rng.choice((*w.MODULES, words[-1], any_thing(rng), any_thing(rng))) + "." + stem
        if rng.random() < 0.04:
            stem = rng.choice(w.MODULES) + "." + stem
        return stem

    return make


def _parameter(rng: Random, split: Split, level: int, taken: set[str], required: bool) -> _Parameter:
    while True:
        easy = level == 1
        concept = generic(rng, easy) if rng.random() < (0.7 if easy else 0.5) else rng.choice(CONCEPTS)
        name = _name(rng, split, concept.name)
        if name not in taken and name + "s" not in taken:
            break
    taken.add(name)
    words = name.replace("_", " ")
    kind = concept.kind(rng)
    doc: dict[str, Any] = {"type": kind.type}
    if kind.items:
        doc["items"] = {"type": kind.items}
    doc["description"] = _describe(rng, words, kind.hint, required)
    if kind.enum and rng.random() < 0.8:
        doc["enum"] = list(kind.enum)
    return _Parameter(name, concept, words, required, kind.sample, doc)


def _describe(rng: Random, words: str, hint: str, required: bool) -> str:
    thing = any_thing(rng)
    text = rng.choice(
        (
            f"The {words} of the {thing}",
            f"The {words}",
            f"{words.capitalize()} of the {thing}",
            f"The {words} to use",
            f"The {words} for the {thing}",
            f"{words.capitalize()}",
            f"The {words} that the {thing} should have",
            f"The {thing} to {rng.choice(w.VERBS)}",
            f"The {rng.choice(w.ADJECTIVES)} {words} of the {thing}",
        )
    )
    if hint and rng.random() < 0.6:
        text += " " + hint
    if rng.random() < 0.8:
        text += "."
    if not required and rng.random() < 0.7:
        default = rng.choice(
            ("0", "1", "10", "'all'", "None", "False", "True", "today", "'" + rng.choice(w.NOUNS) + "'")
        )
        text += rng.choice(
            (f" Default is {default}.", f" Defaults to {default}.", f" Optional, default {default}.", " (optional)")
        )
    return text


def _function(rng: Random, split: Split, level: int) -> _Function:
    verb, thing = rng.choice(w.VERBS), _thing(rng)
    for _ in range(40):
        name = _function_name(verb, thing)(rng)
        if _fits(name, split):
            break
        verb, thing = rng.choice(w.VERBS), _thing(rng)
    else:
        return _function(rng, split, level)
    count = rng.choice({1: (1, 1, 2), 2: (1, 2, 2, 3), 3: (1, 2, 2, 3, 3, 4), 4: (1, 2, 2, 3, 3, 4)}[level])
    optional = 0.0 if level == 1 else 0.3
    taken: set[str] = set()
    parameters = []
    for index in range(count):
        required = (index == 0 and rng.random() < 0.95) or rng.random() >= optional
        parameters.append(_parameter(rng, split, level, taken, required))
    if rng.random() < 0.85:
        parameters.sort(key=lambda parameter: not parameter.required)
    tail = rng.choice(
        (
            "",
            "",
            f" for a given {rng.choice(w.NOUNS)}",
            f" based on {rng.choice(w.NOUNS)}",
            f" of a {rng.choice(w.NOUNS)}",
        )
    )
    doc = {
        "name": name,
        "description": f"{verb.capitalize()}{rng.choice(('', '', 's'))} the {thing}{tail}.",
        "parameters": {
            "type": "dict",
            "properties": {parameter.name: parameter.doc for parameter in parameters},
            "required": [parameter.name for parameter in parameters if parameter.required],
        },
    }
    return _Function(name, verb, thing, tuple(parameters), doc)


def _values(rng: Random, function: _Function) -> dict[str, Value | None]:
    """A value for each parameter that the question mentions; equal texts are avoided, they would be ambiguous."""
    values: dict[str, Value | None] = {}
    seen: set[str] = set()
    for parameter in function.parameters:
        if not parameter.required and rng.random() < 0.55:
            values[parameter.name] = None
            continue
        value = parameter.sample(rng)
        for _ in range(5):
            if value.text not in seen:
                break
            value = parameter.sample(rng)
        seen.add(value.text)
        values[parameter.name] = value
    return values


def _phrases(rng: Random, function: _Function, values: dict[str, Value | None], level: int) -> list[str]:
    given = [(parameter, values[parameter.name]) for parameter in function.parameters]
    phrases = []
    bare = level >= 3
    for index, (parameter, value) in enumerate(given):
        if value is None:
            continue
        if bare and ((index == 0 and rng.random() < 0.3) or rng.random() < 0.08):
            phrases.append(
                rng.choice(("of {v}", "for {v}", "{v}", "on {v}", "using {v}", "with {v}")).format(v=value.text)
            )
        else:
            phrases.append(parameter.concept.phrase(rng, parameter.words, value))
    if rng.random() < 0.25:
        rng.shuffle(phrases)
    return phrases


def _join(rng: Random, phrases: list[str]) -> str:
    if not phrases:
        return ""
    connect = rng.choice((" ", " ", " with ", " using ", " given ", ", ", " where the "))
    text = ""
    for index, phrase in enumerate(phrases):
        prepositional = phrase.split()[0] in _PREPOSITIONS
        if index == 0:
            text += " " + phrase if prepositional else connect + phrase
        elif index == len(phrases) - 1:
            text += rng.choice((" and ", ", and ", " and ", ", ", " ", " with " if not prepositional else " ")) + phrase
        else:
            text += rng.choice((", ", ", ", " and ", " ")) + phrase
    return text


_PREPOSITIONS = frozenset(
    "in for of on from to with by at using as between under near within into about without".split()  # noqa: SIM905
)


def _question(rng: Random, function: _Function, phrases: list[str], level: int) -> str:
    article = rng.choice(("the ", "the ", "a ", "", "my "))
    verb = function.verb if rng.random() < 0.7 else rng.choice(w.VERBS)
    thing = function.thing if rng.random() < 0.85 else any_thing(rng)
    roll = rng.random()
    if roll < 0.5:
        head = f"{verb.capitalize()} {article}{thing}"
    elif roll < 0.75:
        head = f"{rng.choice(w.GERUND_FREE_OPENERS)} {verb} {article}{thing}"
    elif roll < 0.9:
        head = (
            f"{rng.choice(('What is', 'What are', 'How much is', 'What would be', 'Tell me', 'Give me'))} the {thing}"
        )
    else:
        how, does = rng.choice(("many", "much", "long", "fast", "far")), rng.choice(("is", "does", "would"))
        head = f"How {how} {does} {article}{thing}"
    end = (
        "?"
        if head.startswith(("Wh", "How", "Can", "Could", "Would")) and rng.random() < 0.8
        else rng.choice((".", ".", ""))
    )
    if level >= 2 and len(phrases) > 1 and rng.random() < 0.2:
        cut = rng.randrange(1, len(phrases))
        later = " ".join(
            f"{rng.choice(('Use', 'It is', 'I want', 'It has', 'Assume'))} {phrase}." for phrase in phrases[cut:]
        )
        return f"{head}{_join(rng, phrases[:cut])}{end or '.'} {later}"
    if level >= 3 and phrases and rng.random() < 0.12:
        front = _join(rng, phrases).strip(" ,")
        return f"{front[0].upper()}{front[1:]}, {head[0].lower()}{head[1:]}{end}"
    return f"{head}{_join(rng, phrases)}{end}"


def _call(function: _Function, values: dict[str, Value | None]) -> tuple[str, dict[str, str]]:
    literals = {name: "-" if value is None else value.literal for name, value in values.items()}
    return function.name, literals


def item(rng: Random, level: int = 3, split: Split = "train") -> Item:
    """Make one item.

    Args:
        rng: Source of all choices.
        level: 1 (easiest) to 4, as in the module's docstring.
        split: Which names may be used.

    Returns:
        The item; equal generators give equal items.
    """
    function = _function(rng, split, level)
    kind = rng.random() if level == 4 else 1.0
    values = _values(rng, function)
    query = _question(rng, function, _phrases(rng, function, values, level), level)
    calls = [_call(function, values)]
    functions = [function]
    if kind < 0.3:
        functions += [_function(rng, split, level) for _ in range(rng.choice((1, 1, 2)))]
        rng.shuffle(functions)
    elif kind < 0.4:
        functions = [_function(rng, split, level)]
        calls = []
    elif kind < 0.5:
        again = _values(rng, function)
        more = _join(rng, _phrases(rng, function, again, 2)).strip(" ,")
        if more and _call(function, again) != calls[0]:
            query = f"{query.rstrip('?.')}{rng.choice((' and also ', ', and then ', '. Also '))}{more}."
            calls.append(_call(function, again))
    return Item(tuple(each.doc for each in functions), query, tuple(calls))


def instruction(docs: tuple[dict[str, Any], ...]) -> str:
    """The part of a BFCL system prompt that the model's chat template keeps: the documents as indented JSON."""
    return json.dumps(list(docs), indent=4) + "\n"
