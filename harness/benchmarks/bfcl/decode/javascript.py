"""JavaScript call syntax with named arguments, `render(width=3, title="x")`, by tree-sitter.

Arguments stay source text; `convert_js` gives them types.
Upstream rule: `bfcl_eval/model_handler/parser/js_parser.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.benchmarks.bfcl.decode import Calls
from harness.benchmarks.bfcl.decode.trees import collect, parse
from harness.benchmarks.bfcl.rules import Rules

if TYPE_CHECKING:
    from tree_sitter import Node


def decode(text: str, dialect: str, rules: Rules) -> Calls | None:
    """Read the first statement that is a call.

    Args:
        text: Source with its outer brackets.
        dialect: Always `javascript`.
        rules: Which quirks hold.

    Returns:
        One call, or None where no statement is one.

    Raises:
        Undecodable: Not JavaScript, or two arguments for one name.
    """
    for statement in parse(text[1:-1], "tree_sitter_javascript").children:
        if statement.type == "expression_statement":
            for node in statement.children:
                if node.type == "call_expression":
                    return [{_text(node.children[0]): _arguments(node.children[1])}]
    return None


def _arguments(listed: Node) -> dict[Any, Any]:
    arguments: dict[Any, Any] = {}
    for node in listed.children:
        if node.type == "assignment_expression":
            collect(arguments, _text(node.children[0]), unquote(_text(node.children[2])))
        elif node.type in ("identifier", "true"):
            collect(arguments, None, _text(node))
    return arguments


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def unquote(text: str) -> str:
    """Cut one pair of equal outer quotes; `"x" + "y"` starts and ends with one too and is cut all the same."""
    if text[:1] == text[-1:] and text[:1] in ('"', "'"):
        return text[1:-1]
    return text
