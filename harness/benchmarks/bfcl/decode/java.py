"""Java call syntax with named arguments, `Client.get(url="x", retries=3)`, by tree-sitter.

Arguments stay source text; `convert_java` gives them types.
Upstream rule: `bfcl_eval/model_handler/parser/java_parser.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.benchmarks.bfcl.decode import Calls, Undecodable
from harness.benchmarks.bfcl.decode.trees import collect, parse
from harness.benchmarks.bfcl.rules import Rules

if TYPE_CHECKING:
    from tree_sitter import Node

_QUOTED = ("string_literal", "character_literal")
_VERBATIM = ("identifier", "class_literal", "type_identifier", "method_invocation")
_POSITIONAL = ("identifier", "class_literal")


def decode(text: str, dialect: str, rules: Rules) -> Calls | None:
    """Read the first call of the text.

    Args:
        text: Source with its outer brackets.
        dialect: Always `java`.
        rules: Which quirks hold.

    Returns:
        One call, or None where the source holds none.

    Raises:
        Undecodable: Not Java, or two arguments for one name.
    """
    source = text[1:-1]
    try:
        call = _first_call(parse(source, "tree_sitter_java"))
        return None if call is None else [_read(call, source)]
    except RecursionError:
        raise Undecodable("nested too deeply") from None


def _first_call(node: Node) -> Node | None:
    if node.type == "method_invocation":
        return node
    return next((found for child in node.children if (found := _first_call(child)) is not None), None)


def _read(call: Node, source: str) -> dict[Any, Any]:
    target, name = call.child_by_field_name("object"), _text(call.child_by_field_name("name"), source)
    arguments: dict[Any, Any] = {}
    listed = call.child_by_field_name("arguments")
    for child in listed.children if listed else ():
        if child.type == "assignment_expression":
            collect(arguments, _text(child.children[0], source), _render(child.children[2], source))
        elif child.type in _POSITIONAL:
            collect(arguments, None, _render(child, source))
    return {f"{_text(target, source)}.{name}" if target else name: arguments}


def _text(node: Node | None, source: str) -> str:
    """Source of a node, cut as upstream cuts it: byte offsets applied to characters, so non-ASCII text shifts it."""
    if node is None:
        raise Undecodable("an incomplete expression")
    return source[node.start_byte : node.end_byte]


def _render(node: Node | None, source: str, nested: bool = False) -> str:
    """An argument as text: strings lose their quotes at top level, constructors are rebuilt without their bodies."""
    text = _text(node, source)
    assert node is not None
    if node.type in _QUOTED:
        return text if nested else text[1:-1]
    if node.type in _VERBATIM or not node.children:
        return text
    if node.type == "array_creation_expression":
        return f"new {_field(node, 'type', source)}[]{_field(node, 'value', source)}"
    if node.type == "object_creation_expression":
        listed = node.child_by_field_name("arguments")
        inner = [child for child in listed.children if child.type not in ",()"] if listed else []
        rendered = ", ".join(_render(child, source, nested=True) for child in inner)
        return f"new {_field(node, 'type', source)}({rendered})"
    return "".join(_render(child, source, nested=True) for child in node.children)


def _field(node: Node, name: str, source: str) -> str:
    return _render(node.child_by_field_name(name), source, nested=True)
