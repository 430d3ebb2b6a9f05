"""The smart home and the hotel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harness.benchmarks.apibank.data import database
from harness.benchmarks.apibank.records import Refused
from harness.benchmarks.apibank.rules import DAY, MOMENT, as_it_is, folded, inputs, moment, whole_input
from harness.benchmarks.apibank.tools import tool
from harness.benchmarks.apibank.tools.clinic import require_time


@tool(inputs(name=folded, time=moment, on=as_it_is))
def timed_switch(name: str, time: str, on: bool) -> str:
    """Have a device switched at a time."""
    require_time(time, MOMENT)
    if not name.strip():
        raise Refused("no name")
    return "success"


@tool(inputs(name=folded, time=moment))
def cancel_timed_switch(name: str, time: str) -> str:
    """Have a device not switched at a time."""
    wanted = require_time(time, MOMENT).strftime(MOMENT)
    if all(planned["time"] != wanted for planned in database("TimeSwitch").get(folded(name), ())):
        raise Refused("nothing is planned then")
    return "success"


@tool(inputs(name=folded))
def query_scene(name: str) -> list[Any]:
    """The devices of a scene."""
    devices: list[Any] | None = database("Scenes").get(folded(name))
    if devices is None:
        raise Refused("unknown scene")
    return devices


@tool(inputs(name=folded))
def delete_scene(name: str) -> str:
    """Delete a scene."""
    query_scene(name)
    return "success"


ROOMY = 2
"""Adults that one room holds."""


@tool(whole_input)
def book_hotel(
    hotel_name: str, check_in_time: str, check_out_time: str, room_count: int, adult_count: int, child_count: int
) -> str:
    """The number of a new order."""
    arrival, departure = _day(check_in_time), _day(check_out_time)
    if adult_count > ROOMY and room_count == 1:
        raise Refused("one room is too small")
    orders = database("Hotel")
    for order in orders.values():
        first, last = _day(order["check_in_time"]), _day(order["check_out_time"])
        if order["hotel_name"] == hotel_name and (first <= arrival < last or first < departure <= last):
            raise Refused("no room is free")
    return str(len(orders) + 1)


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, DAY)
    except ValueError:
        raise Refused("no day") from None
