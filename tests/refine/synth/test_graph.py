"""A graph has the known edges of a toy environment and no others, and goes to a file that can be edited."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import DataError, UsageProblem
from harness.types import FunctionCall
from refine.synth import graph as graphs
from refine.synth.documents import named_alike, parameters_of
from refine.synth.drawing import picture, write_page
from refine.synth.graph import Graph, StateEdge, ValueEdge, alike, template
from refine.synth.leaves import KEY, Shape, informative, result_leaves, visible
from refine.synth.probe import Prober
from tests.refine.synth.toys import Vault


@pytest.fixture(scope="module")
def vault() -> Graph:
    return Prober(Vault(), {}).build()


def test_known_edges_are_found_exactly_and_preconditions_two_at_a_time(vault: Graph) -> None:
    assert {(edge.source, edge.target) for edge in vault.state_edges} == {
        ("unlock", "open"),
        ("disarm", "open"),
        ("open", "take"),
    }
    both = {edge.source: edge for edge in vault.state_edges if edge.target == "open"}
    assert both["unlock"].error == "The door is locked."
    assert both["disarm"].error == "Somebody must silence the siren before."
    assert both["disarm"].after == ("unlock",)
    executed = [(edge.source, edge.place, edge.target, edge.parameter) for edge in vault.value_edges if edge.executed]
    assert executed == [("list_boxes", ("*", "box"), "take", "box")]
    assert set(vault.reached) == set(vault.tools) - {"broken"}


def test_a_place_of_the_state_is_known_by_what_worked(vault: Graph) -> None:
    (place,) = [each for each in vault.state_values if each.target == "take" and each.place == ("boxes", "*", KEY)]
    assert 0 < place.worked <= place.tried


def test_the_same_seed_gives_the_same_graph(vault: Graph) -> None:
    assert Prober(Vault(), {}).build().to_json() == vault.to_json()


def test_a_graph_is_written_an_edge_a_line_and_read_back(vault: Graph, tmp_path: Path) -> None:
    file = tmp_path / "graph.json"
    graphs.write(vault, file)
    assert graphs.read(file, Vault()) == vault
    plain = json.loads(file.read_text())
    edited = {**plain, "state_edges": [edge for edge in plain["state_edges"] if edge["source"] != "disarm"]}
    file.write_text(json.dumps(edited))
    assert len(graphs.read(file, Vault()).state_edges) == 2
    edited["state_edges"][0]["source"] = "unlok"
    file.write_text(json.dumps(edited))
    with pytest.raises(UsageProblem, match="Did you mean unlock"):
        graphs.read(file, Vault())


def test_a_graph_of_another_environment_and_a_damaged_one_are_refused(vault: Graph, tmp_path: Path) -> None:
    file = tmp_path / "graph.json"
    graphs.write(replace(vault, digest="2" * 64), file)
    with pytest.raises(UsageProblem, match="--overwrite"):
        graphs.read(file, Vault())
    file.write_text('{"tools": []}')
    with pytest.raises(DataError, match="not a graph"):
        graphs.read(file, Vault())


def test_the_page_escapes_what_an_environment_says(vault: Graph, tmp_path: Path) -> None:
    hostile = replace(vault, state_edges=[StateEdge("unlock", "open", "<script>alert(1)</script>")])
    write_page(hostile, tmp_path / "graph.html")
    page = (tmp_path / "graph.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_a_tool_stands_right_of_what_it_needs(vault: Graph) -> None:
    places = {box["name"]: box["x"] for box in picture(vault)["boxes"]}
    assert places["unlock"] < places["open"] < places["take"]
    assert places["list_boxes"] < places["take"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"error": "Tweet with ID 17 not found."}', "Tweet with ID * not found."),
        ("Error: card C-77 is unknown", "Error: card * is unknown"),
        ("No 'x y' in ['a', 'b']", "No * in *"),
        ('{"status": false}', "status: False"),
        ("Error: Ann Lee is nobody", "Error: * is nobody"),
    ],
)
def test_a_reason_is_the_text_without_what_differs(text: str, reason: str) -> None:
    assert template(text, FunctionCall("f", {"name": "Ann Lee"})) == reason


def test_reasons_with_other_lists_are_alike_and_others_are_not() -> None:
    doors = "All doors must be locked before starting the engine. Here are the unlocked doors:"
    assert alike(f"{doors} driver, passenger", f"{doors} rear_left")
    assert not alike("Token not initialized", "Token expired")


@pytest.mark.parametrize(
    ("tool", "place", "parameter", "kind"),
    [
        ("login", ("access_token",), "access_token", "equal"),
        ("create_ticket", ("id",), "ticket_id", "loose"),
        ("get_user", ("username",), "username_to_follow", "loose"),
        ("get_price", ("id",), "ticket_id", ""),
        ("find", ("price",), "amount", ""),
        ("find", ("name",), "name", "loose"),
    ],
)
def test_names_match_equal_or_loosely(tool: str, place: tuple[str, ...], parameter: str, kind: str) -> None:
    assert named_alike(tool, place, parameter) == kind


def test_options_are_read_from_enums_and_descriptions() -> None:
    properties = {
        "a": {"type": "string", "description": 'The mode. [Enum]: ["engage", "release"]'},
        "b": {"type": "string", "description": "Class of travel. Options are: economy, business, first."},
        "c": {"type": "string", "enum": ["x", "y"]},
        "d": {"type": "string", "description": "Mode ('l' for lines, 'w' for words)."},
        "e": {"type": "string", "description": "A name, for example Ann."},
        "f": {"type": "boolean"},
    }
    found = parameters_of({"name": "t", "parameters": {"properties": properties}})
    assert [parameter.options for parameter in found] == [
        ("engage", "release"),
        ("economy", "business", "first"),
        ("x", "y"),
        ("l", "w"),
        (),
        (True, False),
    ]


def test_fields_of_a_state_are_the_keys_that_all_seeds_have() -> None:
    states = [
        {"loans": {"L1": {"card": "a"}}, "open": 1},
        {"loans": {"L2": {"card": "b"}, "L3": {"card": "c"}}, "open": 2},
    ]
    shape = Shape.of(states)
    found = {leaf.pattern: leaf.value for leaf in shape.leaves({"loans": {"L9": {"card": "z"}}, "open": 3})}
    assert found == {("loans", "*", KEY): "L9", ("loans", "*", "card"): "z", ("open",): 3}
    assert shape.pattern(("loans", "L9", "card")) == ("loans", "*", "card")


def test_results_are_read_as_json_as_python_or_as_a_word() -> None:
    assert [leaf.value for leaf in result_leaves("['SFO', 'LAX']")] == ["SFO", "LAX"]
    assert [leaf.value for leaf in result_leaves('{"a": 0, "b": true, "c": null}')] == [0]
    assert [leaf.value for leaf in result_leaves("T-1000")] == ["T-1000"]
    assert result_leaves("It is open now.") == []
    assert [informative(text) for text in ("None", "[]", '{"ok": false}', '{"n": 0}', "done")] == [False] * 3 + [
        True
    ] * 2


def test_random_generators_are_no_visible_state() -> None:
    assert visible({"a": {"rng": "random:123"}, "b": ["x"]}) == {"a": {}, "b": ["x"]}


def test_a_tool_waits_for_another_where_no_other_way_to_it_is_known() -> None:
    def fed(source: str, target: str, parameter: str) -> ValueEdge:
        return ValueEdge(source, ("id",), target, parameter, "equal", executed=1)

    edges = [fed("book", "invoice", "booking"), fed("history", "invoice", "booking"), fed("book", "cost", "airport")]
    graph = Graph("toy", "0", ("book", "history", "invoice", "cost", "airports"), value_edges=edges)
    assert not graph.needs("invoice", "book"), "the history has bookings, too"
    assert graph.needs("cost", "book")
    graph.state_edges.append(StateEdge("book", "history", "nothing booked"))
    assert graph.needs("history", "book")
    assert graph.needs("invoice", "book"), "both ways to it wait for a booking"
    edges.append(fed("airports", "cost", "airport"))
    assert not graph.needs("cost", "book")
