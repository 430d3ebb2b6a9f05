"""Function documents as BFCL's system prompt writes them: JSON, Python docstrings or XML, to the byte.

Upstream rule: `format_function_doc` in `bfcl_eval/model_handler/utils.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.types import Tool


def _json_docs(tools: list[Tool]) -> str:
    return json.dumps(tools, indent=4)


def _python_docs(tools: list[Tool]) -> str:
    """Docstring-like blocks, six line breaks apart, four after the last."""
    return "\n\n\n\n\n".join(_python_block(tool) for tool in tools) + "\n\n\n" if tools else ""


def _python_block(tool: Tool) -> str:
    lines = [f"# Function: {tool['name']}", '    """', f"    {tool.get('description', '')}", ""]
    if properties := tool.get("parameters", {}).get("properties"):
        lines += ["    Args:", *_python_parameters(properties, 8)]
    return "\n".join([*lines, '    """', ""])


def _python_parameters(properties: Mapping[str, Any], indent: int) -> Iterable[str]:
    for name, schema in properties.items():
        default = f", default={schema['default']!r}" if "default" in schema else ""
        yield f"{' ' * indent}{name} ({_python_type(schema)}{default}): {_described(schema)}"
        yield from _python_parameters(schema.get("properties", {}), indent + 4)


def _python_type(schema: Mapping[str, Any]) -> str:
    kind: str = schema.get("type", "string")
    if kind in ("array", "list", "tuple") and "items" in schema:
        return f"list[{_python_type(schema['items'])}]"
    if kind in ("object", "dict"):
        values = schema.get("additionalProperties")
        return f"dict[str, {_python_type(values)}]" if isinstance(values, Mapping) else "dict"
    return {"string": "str", "number": "float", "integer": "int", "boolean": "bool"}.get(kind, kind)


def _described(schema: Mapping[str, Any]) -> str:
    enum = f" Enum values: {schema['enum']}." if "enum" in schema else ""
    return f"{schema.get('description', '')}{enum}"


def _xml_docs(tools: list[Tool]) -> str:
    """One `<function>` element a tool, an empty line between them."""
    return "\n".join(_xml_function(tool) for tool in tools)


def _xml_function(tool: Tool) -> str:
    head = f'<function name="{tool["name"]}">\n  <desc>{tool.get("description", "")}</desc>\n'
    return f"{head}{_xml_parameters(tool['parameters'], 2)}</function>\n"


def _xml_parameters(schema: Mapping[str, Any], indent: int) -> str:
    required = schema.get("required")
    inner = "".join(
        _xml_parameter(name, child, required is None or name in required, indent + 2)
        for name, child in schema.get("properties", {}).items()
    )
    return f"{' ' * indent}<params>\n{inner}{' ' * indent}</params>\n"


def _xml_parameter(name: str, schema: Mapping[str, Any], required: bool, indent: int) -> str:
    margin = " " * indent
    default = f' default="{schema["default"]!r}"' if "default" in schema else ""
    attributes = f'name="{name}" type="{_xml_type(schema)}" required="{str(required).lower()}"{default}'
    # Upstream removes every comma inside the opening tag, also those of a default value.
    lines = f"{margin}<param {attributes.replace(',', '')}>\n{margin}  <desc>{_described(schema)}</desc>\n"
    nested = _xml_parameters(schema, indent + 2) if "properties" in schema else ""
    return f"{lines}{nested}{margin}</param>\n"


def _xml_type(schema: Mapping[str, Any]) -> str:
    kind: str = schema.get("type", "string")
    inner = schema.get("items", {}) if "type" in schema.get("items", {}) else schema.get("additionalProperties")
    return f"{kind}[{inner.get('type', 'string')}]" if isinstance(inner, Mapping) else kind


DOC_FORMATS: Mapping[str, Callable[[list[Tool]], str]] = {"json": _json_docs, "python": _python_docs, "xml": _xml_docs}
"""Format -> writer of all documents."""
