"""JSON and XML call lists, which only format sensitivity asks for.

Upstream rules: `json_parser.py` and `xml_parser.py` in `bfcl_eval/model_handler/parser/`.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any
from xml.etree import ElementTree

from harness.benchmarks.bfcl.decode import Undecodable
from harness.benchmarks.bfcl.rules import Rules
from harness.benchmarks.bfcl.runs import groups

_FAILURES = (KeyError, SyntaxError, ValueError, TypeError, MemoryError, RecursionError)


def decode(text: str, dialect: str, rules: Rules) -> Any:
    """Read a call list.

    Args:
        text: The reply with its outer brackets.
        dialect: `json`, `verbose_xml` or `concise_xml`.
        rules: Which quirks hold; none of them concerns these dialects.

    Returns:
        Calls; a parameter object that is not a map is kept and found malformed later.

    Raises:
        Undecodable: The reply is not in the dialect.
    """
    try:
        return _json(text) if dialect == "json" else _xml(text, verbose=dialect == "verbose_xml")
    except _FAILURES as error:
        raise Undecodable(f"{type(error).__name__}: {error}") from None


def _json(text: str) -> list[dict[Any, Any]]:
    """Calls of the first run of objects; what is not JSON is an empty list, not an error."""
    first, last = text.find("["), text.rfind("]")
    text = _run_of_objects(text[first : last + 1] if -1 < first < last else text)
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return []
    return [{call["function"]: call["parameters"]} for call in found if isinstance(call, dict)]


def _run_of_objects(text: str) -> str:
    """The first `[{..}, {..}]`, each object as short as possible; the whole text where there is none.

    Braces are not paired: a list of objects inside a call ends the run early (quirk 22).
    """
    found = groups(text, "{}]", across_lines=True)
    for bracket in re.finditer(r"\[", text):
        end = found.run_from(bracket.end())
        if end is not None:
            return text[bracket.start() : end]
    return text


def _xml(text: str, verbose: bool) -> list[dict[Any, Any]]:
    start = text.find("<functions>")
    end = text.find("</functions>", start)
    if start < 0 or end < 0:
        raise Undecodable("no <functions> element")
    root = ElementTree.fromstring(text[start : end + len("</functions>")])
    return [{call.attrib["name"]: _parameters(call, verbose)} for call in root.findall("function")]


def _parameters(call: ElementTree.Element, verbose: bool) -> dict[Any, Any]:
    if not verbose:
        return {
            param.attrib["name"]: _typed((param.text or "").strip(), param.attrib.get("type", "string"))
            for param in call.findall("param")
        }
    listed = call.find("params")
    return {
        param.attrib.get("name"): _typed(param.attrib.get("value", ""), param.attrib.get("type", "string"))
        for param in (call if listed is None else listed).findall("param")
    }


def _typed(text: str, kind: str) -> Any:
    match kind:
        case "integer":
            return int(text)
        case "float":
            return float(text)
        case "boolean":
            return text.lower() == "true"
        case "null":
            return None
        case "array" | "tuple" | "object" | "dict":
            return ast.literal_eval(text)
    return text
