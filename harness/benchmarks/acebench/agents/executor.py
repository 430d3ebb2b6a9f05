"""The execution of an agent's calls in the services of one item, without eval.

Upstream writes each decoded call out as source, puts an instance before its name and hands the text to Python's `eval`.
Here the same text is parsed, and a closed evaluator knows literals, the instance and the one method: any other name is
not defined. Upstream: `execution_role*.py`, `multi_*_utils.py` (commit 56dd66cf).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.benchmarks.acebench.agents import phone
from harness.benchmarks.acebench.agents.phone import Say
from harness.benchmarks.acebench.agents.travel import Travel
from harness.benchmarks.acebench.decode import FAILURES, Undecodable, call, parse
from harness.errors import HarnessError

SERVICES: Mapping[str, type[Any]] = {
    "BaseApi": phone.BaseApi,
    "MessageApi": phone.MessageApi,
    "ReminderApi": phone.ReminderApi,
    "FoodPlatform": phone.FoodPlatform,
    "Travel": Travel,
}
"""Class of the data set -> its services; in Chinese the reminders know more."""

MAX_RESULT = 1_000_000
"""Characters of one result."""

LOST_ERROR = "Error during execution: {str(e)}"
"""What a multi-turn agent sees letter by letter where a call fails: upstream forgets to fill the text in."""
UNBOUND = "cannot access local variable 'func_call_result' where it is not associated with a value"
"""Python 3.11's words where the first call of a message names no method; later ones repeat the result before them."""

_CALLEE = re.compile(r"\b([a-zA-Z_]\w*)\s*(?=\()")
_INSTANCE = "service_instance"


@dataclass
class World:
    """The services of one item, fresh for every run of it."""

    language: str
    instances: Mapping[str, Any]
    """By class, in the item's order."""
    executed: bool = field(default=False, init=False)
    """Whether any message was carried out to its end: before that upstream knows no state."""

    @classmethod
    def of(cls, question: Mapping[str, Any], language: str, states: Mapping[str, Any], say: Say) -> World:
        """The services that a question involves.

        Args:
            question: The question record.
            language: `en` or `zh`.
            states: Class -> initial attributes.
            say: Gives result texts.
        """
        config = question["initial_config"].get("BaseApi", {})
        kinds = {**SERVICES, **({"ReminderApi": phone.ChineseReminderApi} if language == "zh" else {})}
        return cls(
            language,
            {name: kinds[name](states[name], say, language, config) for name in question["involved_classes"]},
        )

    def execute(self, calls: Sequence[str], abort: bool) -> Any:
        """Carry out the calls of one message.

        Args:
            calls: Source, as `call_texts` writes it.
            abort: A failing call ends the message, as in multi-turn; otherwise the others go on.

        Returns:
            What the agent is shown: a list of results.
        """
        results: list[Any] = []
        last: list[Any] = []
        for text in calls:
            try:
                for instance, source in self._targets(text):
                    last[:] = [_evaluate(source, instance)]
                if not last:
                    raise UnboundLocalError(UNBOUND)
                results.append(last[0])
            except HarnessError:
                raise  # an official text is missing, for which no other can stand
            except Exception as error:  # noqa: BLE001  # whatever goes wrong is what the agent is told
                if abort:
                    return list(LOST_ERROR)
                results.append(f"Error during execution: {str(error)[:MAX_RESULT]}")
        self.executed = True
        return [_shown(result) for result in results]

    def result(self) -> list[dict[str, dict[str, Any]]]:
        """The final state in the form of a result file; empty where nothing was carried out."""
        if not self.executed:
            return []
        states = [
            {name: {key: getattr(instance, key) for key in instance.saved}} for name, instance in self.instances.items()
        ]
        shown: list[dict[str, dict[str, Any]]] = json.loads(json.dumps(states, default=str))
        return shown

    def _targets(self, text: str) -> list[tuple[Callable[..., Any], str]]:
        """The methods that a call text reaches: that of each instance which has the first name before a bracket."""
        found = _CALLEE.search(text)
        if found is None or found[1].startswith("_"):
            return []
        methods = [getattr(instance, found[1], None) for instance in self.instances.values()]
        source = f"{text[: found.start()]}{_INSTANCE}.{found[1]}{text[found.end() :]}"
        return [(method, source) for method in methods if callable(method)]


def call_texts(message: str) -> list[str]:
    """The calls of an agent's message as upstream writes them out.

    Args:
        message: What the agent said.

    Returns:
        One source text a call; none where the message is an expression of another kind.

    Raises:
        Undecodable: It cannot be read as calls.
    """
    if not message:
        raise Undecodable("the message is empty")
    text = message.removeprefix(" ")
    text = f"{'' if text.startswith('[') else '['}{text}{'' if text.endswith(']') else ']'}".strip("[]'")
    try:
        tree = parse(text)
        elements = tree.elts if isinstance(tree, ast.Tuple | ast.List) else [tree] if isinstance(tree, ast.Call) else []
        return [_written(call(element, source_of_calls=True)) for element in elements]
    except Undecodable:
        raise
    except (*FAILURES, AttributeError) as error:
        raise Undecodable(f"{type(error).__name__}: {error}") from None


def _written(call: Mapping[Any, Any]) -> str:
    """A decoded call as source; an object that is an argument becomes a call of its first key."""
    if not call:
        raise Undecodable("an empty object is not a call")
    name, arguments = next(iter(call.items()))
    words = [f"{key}={_written(value) if isinstance(value, dict) else repr(value)}" for key, value in arguments.items()]
    return f"{name}({', '.join(words)})"


def _evaluate(source: str, method: Callable[..., Any]) -> Any:
    try:
        tree = parse(source)
    except SyntaxError as error:
        error.filename = "<string>"
        raise
    return _value(tree, method)


def _value(node: ast.AST | None, method: Callable[..., Any]) -> Any:
    """The value of an expression in which nothing but literals and one method is known."""
    match node:
        case ast.Constant(value):
            return value
        case ast.List(items):
            return [_value(item, method) for item in items]
        case ast.Tuple(items):
            return tuple([_value(item, method) for item in items])
        case ast.Dict(keys, values):
            return {_value(key, method): _value(item, method) for key, item in zip(keys, values, strict=True)}
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand, method)
        case ast.BinOp(left, ast.Add(), right):
            return _complex(_value(left, method), _value(right, method))
        case ast.Call(ast.Attribute(ast.Name(id=name), _), args, keywords) if name == _INSTANCE:
            given = [_value(item, method) for item in args]
            return method(*given, **{str(word.arg): _value(word.value, method) for word in keywords})
        case ast.Call(inner) | ast.Attribute(inner) | ast.Subscript(inner):
            return _value(inner, method)  # its first name is looked up first, and is not defined
        case ast.Name(name):
            raise NameError(f"name '{name}' is not defined")
    raise ValueError(f"a {type(node).__name__} is not carried out")


def _complex(left: Any, right: Any) -> complex:
    """The only sum that is a literal."""
    if isinstance(right, complex) and isinstance(left, int | float):
        return left + right
    raise ValueError("a sum is not carried out")


def _shown(result: Any) -> Any:
    """A result as the agent is shown it: through JSON where that can be done, else as text."""
    if isinstance(result, dict):
        try:
            text = json.dumps(result)
        except (TypeError, ValueError, RecursionError):
            text = str(result)
    else:
        text = result if isinstance(result, str) else str(result)
    if len(text) > MAX_RESULT:
        return "Error during execution: the result is too long"
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
