"""OpenAPI documents: operations as tools, a mock with resources, a service on this machine, and what is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageProblem
from harness.types import FunctionCall
from refine.environments import Environment, open_environment
from refine.synth.plan import Planner, PlanSettings
from refine.synth.probe import Prober
from refine.synth.walk import Walker

DOCUMENT = """
openapi: 3.1.0
info: {title: Orchard, version: "1"}
paths:
  /trees:
    get:
      operationId: listTrees
      summary: List trees.
      parameters: [{name: kind, in: query, schema: {type: string, enum: [apple, pear]}}]
      responses:
        "200": {content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Tree"}}}}}
    post:
      operationId: plantTree
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/NewTree"}}}}
      responses: {"201": {content: {application/json: {schema: {$ref: "#/components/schemas/Tree"}}}}}
  /trees/{treeId}:
    parameters: [{name: treeId, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getTree
      responses: {"200": {content: {application/json: {schema: {$ref: "#/components/schemas/Tree"}}}}}
    delete: {operationId: fellTree, responses: {"204": {description: gone}}}
  /trees/{treeId}/pickings:
    post:
      operationId: pick
      parameters: [{name: treeId, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Picking"}}}}
      responses: {"201": {content: {application/json: {schema: {type: object, properties: {kilos: {type: number}}}}}}}
  /reset:
    post:
      operationId: reset
      parameters: [{name: seed, in: query, schema: {type: integer}}]
      responses: {"200": {description: done}}
components:
  schemas:
    NewTree:
      type: object
      required: [kind]
      properties: {kind: {type: string, enum: [apple, pear]}, row: {type: integer, minimum: 1, maximum: 9}}
    Picking: {type: object, required: [kilos], properties: {kilos: {type: number, minimum: 1, maximum: 40}}}
    Tree:
      allOf: [{$ref: "#/components/schemas/NewTree"}]
      properties: {treeId: {type: string}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orchard.yaml"
    path.write_text(DOCUMENT)
    return path


@pytest.fixture
def mock(file: Path) -> Environment:
    return open_environment(f"openapi:{file}")


def test_operations_are_tools_with_references_put_in(mock: Environment) -> None:
    tools = {tool["name"]: tool for tool in mock.tools()}
    assert list(tools) == ["listTrees", "plantTree", "getTree", "fellTree", "pick", "reset"]
    assert tools["plantTree"]["parameters"]["required"] == ["kind"]
    assert tools["getTree"]["parameters"]["required"] == ["treeId"]
    assert sorted(tools["getTree"]["response"]["properties"]) == ["kind", "row", "treeId"]
    assert set(tools["pick"]["parameters"]["properties"]) == {"treeId", "kilos"}


def test_the_mock_makes_reads_and_removes(mock: Environment) -> None:
    world = mock.fresh(1)
    assert len(world.state()["/trees"]) == 3
    made = json.loads(world.execute(FunctionCall("plantTree", {"kind": "pear"})).text)
    assert made["kind"] == "pear"
    key = {"treeId": made["treeId"]}
    assert json.loads(world.execute(FunctionCall("getTree", key)).text) == made
    assert made in json.loads(world.execute(FunctionCall("listTrees", {"kind": "pear"})).text)
    assert not world.execute(FunctionCall("fellTree", key)).error
    assert "not found" in world.execute(FunctionCall("getTree", key)).text
    assert mock.fresh(1).state() == mock.fresh(1).state() != mock.fresh(2).state()


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (FunctionCall("plantTree", {}), "kind is missing"),
        (FunctionCall("plantTree", {"kind": "oak"}), "does not fit"),
        (FunctionCall("plantTree", {"kind": "pear", "row": 99}), "does not fit"),
        (FunctionCall("plantTree", {"kind": "pear", "size": 1}), "size is unknown"),
        (FunctionCall("pick", {"treeId": "TR-1", "kilos": 2.0}), "not found"),
        (FunctionCall("plough", {}), "no operation"),
    ],
)
def test_the_mock_refuses_what_does_not_fit(mock: Environment, call: FunctionCall, why: str) -> None:
    world = mock.fresh(1)
    before = world.state()
    outcome = world.execute(call)
    assert outcome.error
    assert why in outcome.text
    assert world.state() == before


def test_a_document_is_probed_and_walked(mock: Environment) -> None:
    graph = Prober(mock, {}).build()
    executed = {(edge.source, edge.target, edge.parameter) for edge in graph.value_edges if edge.executed}
    assert ("plantTree", "getTree", "treeId") in executed
    planner = Planner(mock, graph, PlanSettings(turns=(1, 1), calls=(3, 3), shares={"plain": 1.0}))
    walker = Walker(mock, graph, {})
    assert all(len(list(walker.walk(planner.plan(number)).steps())) >= 3 for number in range(5))


class Orchard(BaseHTTPRequestHandler):
    trees: dict[str, dict[str, Any]] = {}  # noqa: RUF012

    def answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        key = self.path.rpartition("/")[2]
        if self.path.startswith("/trees?") or self.path == "/trees":
            self.answer(200, list(self.trees.values()))
        else:
            self.answer(*((200, self.trees[key]) if key in self.trees else (404, {"error": f"no tree {key}"})))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if self.path.startswith("/reset"):
            self.trees.clear()
            self.trees["T" + self.path.rpartition("=")[2]] = {"treeId": "T" + self.path.rpartition("=")[2]}
            self.answer(200, {"reset": True})
        else:
            key = f"T{100 + len(self.trees)}"
            self.trees[key] = {"treeId": key, **body}
            self.answer(201, self.trees[key])

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def base_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Orchard)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_on_this_machine_is_reset_for_every_world(file: Path, base_url: str) -> None:
    options = {"base_url": base_url, "reset": "reset", "state": "listTrees"}
    environment = open_environment(f"openapi:{file}", options)
    assert "reset" not in [tool["name"] for tool in environment.tools()]
    one, other = environment.fresh(5), environment.fresh(6)
    made = one.execute(FunctionCall("plantTree", {"kind": "pear"}))
    assert json.loads(made.text)["kind"] == "pear"
    assert [tree["treeId"] for tree in other.state()] == ["T6"]
    assert [tree["treeId"] for tree in one.state()] == ["T5", "T101"]
    assert one.execute(FunctionCall("getTree", {"treeId": "T6"})).error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "https://api.example.org"}, "not on this machine"),
        ({"base_url": "http://127.0.0.1:9"}, "cannot be reset"),
        ({"base_url": "http://127.0.0.1:9", "reset": "rest"}, "Did you mean reset"),
        ({"mock": "true"}, "no option 'mock'"),
    ],
)
def test_a_service_that_cannot_be_used_is_refused(file: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageProblem, match=message):
        open_environment(f"openapi:{file}", options)


def test_a_file_that_is_no_document_is_refused(tmp_path: Path) -> None:
    for text in ("a: [", "swagger: '2.0'", "openapi: 3.1.0"):
        (tmp_path / "x.yaml").write_text(text)
        with pytest.raises(UsageProblem, match=r"cannot be read|not an OpenAPI 3|no operation"):
            open_environment(f"openapi:{tmp_path}/x.yaml")
