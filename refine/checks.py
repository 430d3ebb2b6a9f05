"""Free checks: what the tool documents alone say about an answer. No judge is asked.

The answer is decoded as the harness decodes a model's reply, and held to the documents: functions that exist, required
parameters, no unknown ones, types and enums. Types are read in all three spellings that data sets use: BFCL's
(`dict`, `float`), JSON Schema's (`object`, `number`) and xLAM's (`List[str]`, `int, optional`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.benchmarks.bfcl.decode import read_calls
from harness.data.calls import read_answer
from harness.data.turns import tools_of
from harness.types import Example, FunctionCall
from refine.types import Finding

ANSWER_CHECKS = ("decode", "function", "required", "unexpected", "type", "enum")

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "str": (str,),
    "integer": (int,),
    "int": (int,),
    "number": (int, float),
    "float": (int, float),
    "boolean": (bool,),
    "bool": (bool,),
    "array": (list, tuple),
    "list": (list, tuple),
    "tuple": (list, tuple),
    "set": (list, tuple),
    "object": (dict,),
    "dict": (dict,),
}


def answer_findings(example: Example) -> list[Finding]:
    """Everything the free checks find wrong with an answer.

    Args:
        example: The example.

    Returns:
        Findings in the order of the calls; one `decode` finding where the answer is not a list of calls.
    """
    calls = read_answer(example.answer) or read_calls(example.answer)
    if not calls:
        return [Finding("decode", "the answer does not decode to a list of calls")]
    tools = {str(tool.get("name")): tool for tool in tools_of(example.tools, example.messages)}
    return [finding for call in calls for finding in _call_findings(call, tools)]


def parameters(tool: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """Parameter schemas and the names of the required ones.

    Args:
        tool: A tool document: JSON Schema under `parameters`, or xLAM's flat mapping of parameters.

    Returns:
        Schema by parameter name, and the required names.
    """
    schema = tool.get("parameters") or {}
    if "properties" in schema:
        return schema["properties"], list(schema.get("required") or ())
    flat = {name: rule for name, rule in schema.items() if isinstance(rule, Mapping)}
    required = [
        name for name, rule in flat.items() if "optional" not in str(rule.get("type")) and "default" not in rule
    ]
    return flat, required


def _call_findings(call: FunctionCall, tools: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    if call.name not in tools:
        yield Finding("function", f"no tool is called {call.name!r}")
        return
    schemas, required = parameters(tools[call.name])
    for name in required:
        if name not in call.arguments:
            yield Finding("required", f"{call.name}: required parameter {name!r} is missing")
    for name, value in call.arguments.items():
        if name not in schemas:
            yield Finding("unexpected", f"{call.name}: there is no parameter {name!r}")
        else:
            yield from _value_findings(f"{call.name}: {name!r}", value, schemas[name])


def _value_findings(where: str, value: Any, rule: Mapping[str, Any]) -> Iterator[Finding]:
    word = re.match(r"[a-z]+", str(rule.get("type", "")).lower())
    kinds = _TYPES.get(word.group() if word else "")
    if kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
        yield Finding("type", f"{where} is {type(value).__name__}, the document asks for {rule['type']}")
    elif rule.get("enum") and value not in rule["enum"]:
        yield Finding("enum", f"{where} is none of the allowed values")
