"""What the official handlers of bfcl-eval 2026.3.23 read, quirks included; one function a handler or several alike.

Each takes the reply as the server returned it and gives `(name, arguments)` of each call, arguments as they are found;
what the handler raises on, or hands on as something other than calls, raises here. Those of prompting models give the
text that the benchmark's own decoder reads. Sources: `bfcl_eval/model_handler/local_inference/` by module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from harness.handlers import CLOSE
from harness.handlers.dialects._found import primitive
from harness.handlers.dialects._python import evaluate, read_calls

Pairs = list[tuple[Any, Any]]
Official = Callable[[str], Pairs]

BLOCK = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.DOTALL)


def after_thought(text: str) -> str:
    """The text after the last `</think>` (`qwen.py`, `deepseek_reasoning.py`)."""
    return text.rsplit(CLOSE, 1)[-1].lstrip("\n") if CLOSE in text else text


def pairs(items: Iterable[Any], key: str = "arguments") -> Pairs:
    """Name and arguments of decoded objects; other keys are ignored, a missing one raises."""
    return [(item["name"], item[key]) for item in items]


def blocks(text: str) -> Pairs:
    """Blocks with line breaks inside the marks; one that is not JSON is left out (`qwen_fc.py`, `granite_4.py`)."""
    found = []
    for body in BLOCK.findall(text):
        try:
            found.append(json.loads(body))
        except ValueError:
            continue
    return pairs(found)


def blocks_or_literals(text: str) -> Pairs:
    """The same; one that is not JSON is evaluated as Python, and fails the whole reply (`arch.py`)."""
    bodies = BLOCK.findall(text)
    if not bodies:
        raise ValueError("no block")
    return pairs(_json_or_literal(body) for body in bodies)


def _json_or_literal(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return evaluate(value) if isinstance(value, str) else value


def llama31(text: str) -> Pairs:
    """Objects split at every `;`, also in strings; without one, Python, where `true` is unknown (`llama_3_1.py`)."""
    text = text.replace("<|python_tag|>", "")
    value = [json.loads(part) for part in text.split(";")] if ";" in text else evaluate(text)
    return pairs([value] if isinstance(value, dict) else value, "parameters")


def json_list(text: str) -> Pairs:
    """A JSON list and nothing else (`mistral_fc.py`)."""
    return pairs(json.loads(text))


def list_or_object(text: str) -> Pairs:
    """A JSON list or one object (`bitagent.py`)."""
    return pairs(_listed(json.loads(text)))


def list_or_objects(text: str) -> Pairs:
    """The same, or objects joined by `;` (`salesforce_llama.py`, `salesforce_qwen.py`)."""
    try:
        return pairs(_listed(json.loads(text)))
    except json.JSONDecodeError:
        return pairs(json.loads(part.strip()) for part in text.split(";"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def unfenced_list(text: str) -> Pairs:
    """A list after every triple backtick is taken out; whatever is not JSON counts as none (`hammer.py`)."""
    try:
        value = json.loads(text.replace("```", ""))
    except (ValueError, RecursionError):
        value = []
    return pairs(value)


def phi4_mini(text: str) -> Pairs:
    """All pieces between the marks, the last end mark may be missing (`phi_fc.py`)."""
    found = re.findall(r"<\|tool_call\|>(.*?)<\|/tool_call\|>", text, re.DOTALL)
    found = found or re.findall(r"<\|tool_call\|>(.*?)(?:<\|/tool_call\|>)?$", text, re.DOTALL)
    return _two_keys(item for piece in found for item in _pieces(piece))


def granite3(text: str) -> Pairs:
    """Everything after the first mark, end marks of one kind taken out (`granite_3.py`)."""
    text = text.lstrip("ASSISTANT:").lstrip()  # noqa: B005 - upstream strips these letters, not the word
    mark = "<tool_call>" if "<tool_call>" in text else "<|tool_call|>"
    if mark == "<tool_call>":
        text = text.replace("</tool_call>", "")
    _, found, rest = text.partition(mark)
    return _two_keys(_pieces(rest.strip()) if found else ())


def _pieces(text: str) -> list[Any]:
    if not text.startswith("[") and not text.endswith("]"):
        text = f"[{text}]"
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    return [evaluate(item) if isinstance(item, str) else item for item in value] if isinstance(value, list) else [value]


def _two_keys(items: Iterable[Any]) -> Pairs:
    """Calls only if there is one and each has just the two keys: else the model repeated a function's document."""
    found = list(items)
    if not found or not all(isinstance(item, dict) and item.keys() == {"name", "arguments"} for item in found):
        raise ValueError("not calls")
    return pairs(found)


def granite20b(text: str) -> Pairs:
    """Pieces between marks; any object is a call, other text and `no_function` an item that is none (`granite.py`)."""
    found = []
    for piece in text.split("<function_call>"):
        if piece.strip():
            value = json.loads(piece)
            name = value.get("name", "").strip()
            if name == "no_function":
                raise ValueError("no function is called")
            found.append((name, value.get("arguments", {})))
    return found


def falcon3(text: str) -> Pairs:
    """What the first block holds, a fence taken off (`falcon_fc.py`)."""
    body = text.split("<tool_call>")[1].split("</tool_call>")[0].strip()
    if body.startswith("```") and body.endswith("```"):
        body = body.strip("`").strip()
        body = body.removeprefix("json").strip()
    return pairs(_listed(json.loads(body)))


def minicpm3(text: str) -> Pairs:
    """A call a line between the first start mark and the last end mark after the thought (`minicpm_fc.py`)."""
    if "<|thought_end|>" in text and "<|thought_start|>" in text:
        text = text.rsplit("<|thought_end|>", 1)[1]
    start, end = "<|tool_call_start|>", "<|tool_call_end|>"
    if start not in text or end not in text:
        raise ValueError("no marks")
    body = text.rsplit(end, 1)[0].split(start, 1)[1].strip()
    if body.startswith("```"):
        body = body.lstrip("`").strip()
        if body.startswith("python"):
            body = body.lstrip("python").strip()
    calls = read_calls(body.rstrip("`").strip() if body.endswith("```") else body, quirks=True)
    if not calls:
        raise ValueError("no call")
    return [(call.name, call.arguments) for call in calls]


def glm4(text: str) -> Pairs:
    """The name is the first line, the arguments the second; the rest is not looked at (`glm.py`)."""
    name, arguments = text.split("\n")[:2]
    return [(name, json.loads(arguments))]


def think_agent(text: str) -> Pairs:
    """A list after the first `</think>`, every single quote made a double one (`think_agent.py`)."""
    _, closed, rest = text.strip().replace("'", '"').partition(CLOSE)
    return pairs(json.loads(rest.strip()) if closed else [])


def functiongemma(text: str) -> Pairs:
    """Calls between both marks, without a brace one without arguments (`functiongemma.py`)."""
    found: Pairs = []
    for body in re.findall(r"<start_function_call>(.*?)<end_function_call>", text, re.DOTALL):
        name, brace, rest = body.strip().partition("{")
        if name.startswith("call:"):
            found.append((name.removeprefix("call:").strip(), _Braces().read(brace + rest) if brace else {}))
    return found


class _Braces:
    """Upstream's reader of `{key:value}`, a machine that takes whatever comes and never fails."""

    def __init__(self) -> None:
        self.root: list[Any] = []
        self.open: list[Any] = [self.root]
        self.keys: list[Any] = []
        self.key: Any = None
        """A value that stood where a key should; it becomes one at the next colon."""
        self.raw = ""

    def read(self, text: str) -> dict[str, Any]:
        for number, piece in enumerate(text.split("<escape>")):
            if number % 2 == 0:
                self._plain(piece)
            elif text.count("<escape>") > number:
                self._flush()
                self._add(piece)
            else:  # a string without its end is kept with its mark
                self._flush()
                self._add(f"<escape>{piece}")
        self._flush()
        return self.root[0] if self.root and isinstance(self.root[0], dict) else {}

    def _plain(self, text: str) -> None:
        for piece in re.split(r"([{\[:\]},])", text):
            if piece == ":":
                self._colon()
            elif piece in ("{", "["):
                self._flush()
                self._start({} if piece == "{" else [])
            elif piece in ("}", "]"):
                self._flush()
                self._stop(piece)
            elif piece == ",":
                self._flush()
                self.key = None
            else:
                self.raw += piece

    def _start(self, container: Any) -> None:
        self._add(container)
        self.open.append(container)
        if isinstance(container, dict):
            self.keys.append(None)
        self.key = None

    def _stop(self, mark: str) -> None:
        if len(self.open) > 1:
            self.open.pop()
            if mark == "}" and self.keys:
                self.keys.pop()
        self.key = None

    def _colon(self) -> None:
        self._flush()
        if self.key is not None and isinstance(self.open[-1], dict) and self.keys:
            self.keys[-1] = str(self.key)
        self.key = None

    def _flush(self) -> None:
        raw, self.raw = self.raw.strip(), ""
        if raw:
            self._add(primitive(raw))

    def _add(self, value: Any) -> None:
        container = self.open[-1]
        if isinstance(container, list):
            container.append(value)
        elif self.keys and self.keys[-1] is not None:
            container[self.keys[-1]] = value
            self.keys[-1] = None
        else:
            self.key = value


def as_it_is(text: str) -> str:
    """The reply (`base_oss_handler.py`)."""
    return text


def unfenced_words(text: str) -> str:
    """A fence that opens with `json` or `python` is taken off (`phi.py`)."""
    return text.strip().removeprefix("```json").removeprefix("```python")


def toolcall(text: str) -> str:
    """What stands in the first pair of tags (`nemotron.py`).

    Raises:
        LookupError: There is none: no call is made.
    """
    return str(re.findall(r"<TOOLCALL>(.*?)</TOOLCALL>", text, re.DOTALL)[0])
