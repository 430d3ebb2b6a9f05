"""The ground truth given back as an answer passes, but for the items that are known not to."""

from __future__ import annotations

import json

import pytest

from harness.benchmarks.bfcl import data, judge

pytestmark = pytest.mark.usefixtures("bfcl_data")

PYTHON = [name for name in data.SINGLE_TURN if name not in (*data.UNANSWERED, "simple_java", "simple_javascript")]

FAILING = {
    "parallel_multiple_12",
    "parallel_multiple_26",
    "live_simple_106-63-0",
    "live_simple_112-68-0",
    "live_multiple_507-149-4",
    "live_multiple_862-181-3",
    "live_multiple_964-207-0",
}
FAILING_JAVA = {f"simple_java_{n}" for n in (1, 35, 36, 48, 65, 67, 68, 78, 83, 85, 86, 89, 90, 91)}


def concrete(value):
    """A value as a model would give it: in a map, alone or in a list, each key lists its acceptable values."""
    if isinstance(value, dict):
        return {key: inner[0] if isinstance(inner, list) else inner for key, inner in value.items() if inner[0] != ""}
    return [concrete(inner) for inner in value] if isinstance(value, list) else value


def first_answers(sample_id):
    """Each expected call with the first acceptable value that is not the marker of omission."""
    for call in data.answer(sample_id):
        name, accepted = next(iter(call.items()))
        chosen = {key: next((v for v in values if v != ""), "") for key, values in accepted.items()}
        yield name, {key: concrete(value) for key, value in chosen.items() if value != ""}


def java(value):
    if isinstance(value, list):
        return f"new String[]{{{', '.join(map(java, value))}}}"
    if isinstance(value, dict):
        puts = " ".join(f"put({json.dumps(key)}, {java(inner)});" for key, inner in value.items())
        return f"new HashMap<String, Object>() {{{{ {puts} }}}}"
    return json.dumps(value, ensure_ascii=False)


def javascript(value):
    if isinstance(value, list):
        return f"[{', '.join(map(javascript, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {javascript(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def failing(category, write):
    found = set()
    for record in data.questions(category):
        calls = first_answers(record["id"])
        listed = (f"{name}({', '.join(f'{k}={write(v)}' for k, v in args.items())})" for name, args in calls)
        if judge(record["id"], f"[{', '.join(listed)}]").outcome != "pass":
            found.add(record["id"])
    return found


@pytest.mark.parametrize("category", PYTHON)
def test_the_first_answers_pass_as_text(category):
    assert failing(category, repr) == {name for name in FAILING if data.category_of(name) == category}


@pytest.mark.parametrize("category", PYTHON)
@pytest.mark.parametrize("underscore_names", [False, True])
def test_the_first_answers_pass_as_native_calls(category, underscore_names):
    found = set()
    for record in data.questions(category):
        calls = [
            {name.replace(".", "_") if underscore_names else name: json.dumps(arguments)}
            for name, arguments in first_answers(record["id"])
        ]
        verdict = judge(record["id"], calls, mode="fc", underscore_names=underscore_names)
        if verdict.outcome != "pass":
            found.add(record["id"])
    assert found == {name for name in FAILING if data.category_of(name) == category}


def test_javascript_answers_all_pass():
    assert failing("simple_javascript", javascript) == set()


def test_java_answers_pass_but_for_the_known_ones():
    ids = [record["id"] for record in data.questions("simple_java")]
    assert {name for name in ids if judge(name, java_call(name)).outcome != "pass"} == FAILING_JAVA


def java_call(sample_id):
    """The expected call; long values carry an L, as their type wants."""
    properties = data.question(sample_id)["function"][0]["parameters"]["properties"]
    ((name, arguments),) = first_answers(sample_id)
    texts = []
    for key, value in arguments.items():
        kind, element = properties[key]["type"], properties[key].get("items", {}).get("type")
        if isinstance(value, list):
            parts = ", ".join(java(part) + "L" * (element == "long") for part in value)
            text = f"new ArrayList<>(Arrays.asList({parts}))" if kind == "ArrayList" else f"new String[]{{{parts}}}"
        else:
            text = java(value) + "L" * (kind == "long")
        texts.append(f"{key}={text}")
    return f"[{name}({', '.join(texts)})]"
