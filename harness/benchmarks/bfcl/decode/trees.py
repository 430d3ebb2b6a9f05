"""What the Java and the JavaScript reader share: a tree-sitter tree without errors."""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.benchmarks.bfcl.decode import Undecodable

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


@cache
def _parser(grammar: str) -> Parser:
    import tree_sitter

    return tree_sitter.Parser(tree_sitter.Language(importlib.import_module(grammar).language()))


MAX_SOURCE = 50_000
"""Characters, strings included: recovery from errors takes long on unpaired quotes."""


def parse(source: str, grammar: str) -> Node:
    """Parse source text.

    Args:
        source: Program text.
        grammar: Module of the grammar, for example `tree_sitter_java`.

    Returns:
        The root node. A token that recovery had to insert, such as a last semicolon, is not an error.

    Raises:
        Undecodable: Some part is not of the language.
    """
    if len(source) > MAX_SOURCE:
        raise Undecodable(f"more than {MAX_SOURCE} characters")
    try:
        root = _parser(grammar).parse(source.encode()).root_node
    except UnicodeEncodeError as error:
        raise Undecodable(str(error)) from None
    pending = [root] if root.has_error else []
    while pending:
        node = pending.pop()
        if node.is_error:
            raise Undecodable(f"syntax error at byte {node.start_byte}")
        pending += [child for child in node.children if child.has_error]
    return root


def collect(arguments: dict[Any, Any], name: str | None, value: str) -> None:
    """Add one argument; positional ones share the name None.

    Raises:
        Undecodable: The name is taken.
    """
    if name in arguments:
        raise Undecodable(f"argument {name!r} is given twice" if name else "two positional arguments")
    arguments[name] = value
