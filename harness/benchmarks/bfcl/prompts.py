"""BFCL's system prompt, to the byte, in each of its 26 configurations.

The texts are read from the pinned wheel (`constants/default_prompts.py` and string constants in `utils.py`); none is
copied here. `instruction(tools)` is what a model is sent in prompting mode; `rewrite(tools, category)` is what upstream
does to function documents when it loads them (`utils.py: _func_doc_language_specific_pre_processing`): for generation
only, the checker sees them as stored.
"""

from __future__ import annotations

import ast
import copy
import json
import runpy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from harness.benchmarks.bfcl import data
from harness.benchmarks.bfcl.doc_formats import DOC_FORMATS
from harness.errors import DataError, UsageProblem
from harness.types import Tool


@dataclass(frozen=True, slots=True)
class PromptConfig:
    """One configuration of the system prompt."""

    returns: str = "python"
    """Format of the calls asked for: `python`, `json`, `verbose_xml` or `concise_xml`."""
    tag: bool = False
    """Whether calls must stand in `<TOOLCALL>` tags."""
    docs: str = "json"
    """Format of the function documents: `json`, `python` or `xml`."""
    layout: str = "plaintext"
    """`plaintext` or `markdown`."""
    style: str = "classic"
    """`classic` or `experimental` wording."""

    def __str__(self) -> str:
        return (
            f"ret_fmt={self.returns}&tool_call_tag={self.tag}&func_doc_fmt={self.docs}"
            f"&prompt_fmt={self.layout}&style={self.style}"
        )

    @classmethod
    def parse(cls, text: str) -> PromptConfig:
        """Read the form that stands in format-sensitivity ids.

        Raises:
            UsageProblem: It is none of the 26.
        """
        for config in CONFIGS:
            if str(config) == text:
                return config
        raise UsageProblem(f"unknown BFCL prompt configuration {text!r}", f"The default is: {DEFAULT}")


DEFAULT = PromptConfig()
CONFIGS = (
    *(
        PromptConfig(returns, tag, docs)
        for returns in ("python", "json", "verbose_xml", "concise_xml")
        for tag in (True, False)
        for docs in ("python", "xml", "json")
    ),
    PromptConfig(layout="markdown"),
    PromptConfig(style="experimental"),
)
"""All configurations in the order of `utils.py: get_all_format_sensitivity_configs`."""


def instruction(tools: Iterable[Tool], config: PromptConfig = DEFAULT) -> str:
    """The system text that explains the tools and the format of a call.

    Args:
        tools: Function documents, already rewritten.
        config: Which of the configurations.

    Returns:
        The text, upstream's `formulate_system_prompt` to the byte.
    """
    texts = constants()
    style = texts["PROMPT_STYLE_TEMPLATES"][config.style]
    call_format = style["tool_call_with_tag" if config.tag else "tool_call_no_tag"].format(
        output_format=texts["OUTPUT_FORMAT_MAPPING"][config.returns],
        param_types=texts["PARAM_TYPE_MAPPING"][config.returns],
    )
    docs = DOC_FORMATS[config.docs]([*tools])
    filled: str = texts["PROMPT_TEMPLATE_MAPPING"][config.layout].format(
        persona=style["persona"],
        task=style["task"],
        tool_call_format=call_format,
        multiturn_behavior=style["multiturn_behavior"],
        available_tools=style["available_tools"].format(format=config.docs, functions=docs),
    )
    return filled


@cache
def constants() -> Mapping[str, Any]:
    """Every constant of the wheel's `default_prompts.py`, a module without imports, by name."""
    return runpy.run_path(str(data.package() / "constants" / "default_prompts.py"))


def rewrite(tools: Sequence[Tool], category: str, times: int = 1) -> tuple[Tool, ...]:
    """Function documents as a model of this category is shown them.

    Args:
        tools: Documents as stored; not changed.
        category: Decides the language.
        times: How often the language sentence is added: format sensitivity's items get it twice
            (upstream loads its source items, which rewrites them, and then rewrites what it loaded).

    Returns:
        New documents.
    """
    sentences = _sentences()
    language = "javascript" if "javascript" in category else "java" if "java" in category else "python"
    hint = sentences.language[language] * times
    rewritten = tuple({**tool, "description": tool["description"] + hint} for tool in tools)
    if language == "python":
        return rewritten
    rewritten = copy.deepcopy(rewritten)
    for tool in rewritten:
        for parameter in tool["parameters"]["properties"].values():
            _stringify(parameter, sentences.parameter[language])
    return rewritten


class ParameterTexts(NamedTuple):
    """Sentences added to a parameter's description; `{}` stands for a type or a schema."""

    any: str
    typed: str
    elements: str
    schema: str = ""


class Sentences(NamedTuple):
    """What upstream adds to function documents, by language."""

    language: Mapping[str, str]
    parameter: Mapping[str, ParameterTexts]


def _stringify(parameter: dict[str, Any], texts: ParameterTexts) -> None:
    """Describe a Java or JavaScript parameter's type in words and declare it a string."""
    kind = parameter["type"]
    parameter["description"] += texts.any if kind == "any" else texts.typed.format(kind)
    if kind in ("Array", "ArrayList", "array"):
        parameter["description"] += texts.elements.format(parameter.pop("items")["type"])
    if texts.schema and kind == "dict" and "properties" in parameter:
        parameter["description"] += texts.schema.format(json.dumps(parameter.pop("properties")))
    parameter["type"] = "string"


@cache
def _sentences() -> Sentences:
    """Read the sentences out of the function bodies of the wheel's `utils.py`, in their order there."""
    file = data.package() / "utils.py"
    functions = {node.name: node for node in ast.parse(file.read_bytes()).body if isinstance(node, ast.FunctionDef)}
    returned = [
        node.value for node in ast.walk(functions["_get_language_specific_hint"]) if isinstance(node, ast.Return)
    ]
    added = [
        node.value
        for node in ast.walk(functions["_func_doc_language_specific_pre_processing"])
        if isinstance(node, ast.AugAssign)
    ]
    language = [_template(node) for node in sorted(returned, key=_place)]
    parameter = [_template(node) for node in sorted(added, key=_place)]
    if (len(language), len(parameter)) != (3, 7):
        raise DataError(f"{file} is not that of bfcl-eval {data.VERSION}", "Run: harness data fetch bfcl")
    return Sentences(
        dict(zip(("java", "javascript", "python"), language, strict=True)),
        {"java": ParameterTexts(*parameter[:3]), "javascript": ParameterTexts(*parameter[3:])},
    )


def _place(node: ast.expr | None) -> int:
    return node.lineno if node else 0


def _template(node: ast.expr | None) -> str:
    """A string constant, or an f-string with `{}` for each value."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
