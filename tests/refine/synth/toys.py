"""A toy environment whose edges are known, in this process."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any, ClassVar

from harness.types import FunctionCall, Tool
from refine.environments import Outcome


def document(name: str, response: dict[str, str] | None = None, **parameters: str) -> Tool:
    properties = {key: {"type": kind} for key, kind in parameters.items()}
    found: dict[str, Any] = {
        "name": name,
        "description": "",
        "parameters": {"type": "object", "properties": properties, "required": list(parameters)},
    }
    if response:
        found["response"] = {"type": "object", "properties": {key: {"type": kind} for key, kind in response.items()}}
    return found


class Vault:
    """A vault that opens when it is unlocked and the alarm is off; its boxes are listed by number.

    State edges: unlock -> open, disarm -> open (both at once: depth two), open -> take.
    Value edges: list_boxes -> take (box), by name and needed. `broken` changes the state although it refuses.
    """

    name, digest, benchmark, shows_state = "toy:vault", "1" * 64, "", True
    values: ClassVar[dict[str, list[Any]]] = {}

    def tools(self) -> tuple[Tool, ...]:
        return (
            document("list_boxes", {"box": "string"}),
            document("unlock"),
            document("disarm"),
            document("open"),
            document("take", {"weight": "number"}, box="string"),
            document("broken"),
        )

    def fresh(self, seed: int) -> Room:
        return Room(seed)

    def close(self) -> None:
        pass


class Room:
    """One world."""

    def __init__(self, seed: int) -> None:
        number = Random(seed).randrange(100, 999)
        self.data: dict[str, Any] = {
            "unlocked": False,
            "alarm": True,
            "open": False,
            "boxes": {f"box-{number}": 1.0 + number, f"box-{number + 1}": 2.0 + number},
            "scratches": 0,
        }

    def execute(self, call: FunctionCall) -> Outcome:
        data = self.data
        if call.name == "list_boxes":
            return Outcome(str([{"box": box} for box in data["boxes"]]).replace("'", '"'))
        if call.name == "broken":
            data["scratches"] += 1
            return Outcome('{"error": "it is broken"}', error=True)
        if call.name == "unlock":
            data["unlocked"] = True
            return Outcome("It is unlocked now.")
        if call.name == "disarm":
            data["alarm"] = False
            return Outcome("It is quiet now.")
        if call.name == "open":
            if not data["unlocked"]:
                return Outcome('{"error": "The door is locked."}', error=True)
            if data["alarm"]:
                return Outcome('{"error": "Somebody must silence the siren before."}', error=True)
            data["open"] = True
            return Outcome("It is wide apart.")
        if not data["open"]:
            return Outcome('{"error": "Nothing can be reached from outside."}', error=True)
        if call.arguments["box"] not in data["boxes"]:
            return Outcome('{"error": "No such container."}', error=True)
        return Outcome(json.dumps({"weight": data["boxes"].pop(call.arguments["box"])}))

    def state(self) -> Any:
        return copy.deepcopy(self.data)

    def close(self) -> None:
        pass


class Drifting(Vault):
    """A vault that numbers its boxes anew in every world: no walk can be repeated."""

    def __init__(self) -> None:
        self._worlds = 0

    def fresh(self, seed: int) -> Room:
        self._worlds += 1
        return Room(seed * 1000 + self._worlds)
