"""Level 3: what one call leaves for the next, and errors that only level 3 has."""

from __future__ import annotations

import pytest

from harness.benchmarks.apibank import data, judge
from harness.benchmarks.apibank.scenes import Stage

pytestmark = pytest.mark.usefixtures("apibank_data")


def first(api: str) -> data.Item:
    return next(item for item in data.items(3).values() if item.api == api)


@pytest.mark.parametrize(
    ("api", "second"),
    [
        ("FlightSearch", "INCORRECT"),
        ("HotelAvailability", "CRASH:TypeError"),
        ("EmailReminder", "INCORRECT:KeyError"),
        ("Geocoding", None),
    ],
)
def test_the_same_call_again(api: str, second: str | None) -> None:
    item, stage = first(api), Stage()
    assert stage.judge(item, item.expected).correct
    assert stage.judge(item, item.expected).error == second
    assert judge(3, item.id, item.expected).outcome == "pass", "judge starts anew"


def test_the_order_of_parameters_makes_no_other_flight() -> None:
    item, stage = first("FlightSearch"), Stage()
    given = item.truth["input"]
    turned = ", ".join(f"{name}='{given[name]}'" for name in reversed(given))
    assert stage.judge(item, f"[FlightSearch({turned})]").correct
    assert not stage.judge(item, item.expected).correct


def test_a_number_of_hundreds_of_digits_is_a_wrong_one() -> None:
    item = first("LikeCount")
    assert Stage().judge(item, f"[LikeCount(post_id='{'9' * 400}')]").error == "INCORRECT"


def test_a_wrong_call_takes_a_later_scenes_flight() -> None:
    mine, later = (item for item in list(data.items(3).values()) if item.id in ("level-3/35:1", "level-3/36:1"))
    stage = Stage()
    assert not stage.judge(mine, later.expected).correct
    assert not stage.judge(later, later.expected).correct


@pytest.mark.parametrize(
    ("api", "reply", "error"),
    [
        ("ToolSearcher", "[ToolSearcher(word='x')]", "CRASH:KeyError"),
        ("Geocoding", "[ToolSearcher()]", "CRASH:KeyError"),
        ("Geocoding", "[ToolSearcher(keywords='anything')]", "INCORRECT"),
        ("EmailReminder", "[ToolSearcher(keywords='anything')]", "INCORRECT:KeyError"),
        ("Geocoding", "[Geocode(address='x')]", "INVALID_TOOL_NAME"),
        ("Geocoding", "[Geocoding()]", "TYPE_ERROR"),
        ("Geocoding", "[Geocoding(place='x')]", "ASSERTION_ERROR"),
        ("Geocoding", "[Geocoding(address='x', tool_name='y')]", "TYPE_ERROR"),
        ("LikeCount", "[LikeCount(post_id='-4')]", "ASSERTION_ERROR"),
        ("LikeCount", "[LikeCount(post_id='²')]", "CRASH:ValueError"),
        ("GetWeatherForCoordinates", "[GetWeatherForCoordinates(latitude='1', longitude='2')]", "TYPE_ERROR"),
        ("Calculator", "[Calculator(formula='-1+2')]", "HANG"),
        ("Calculator", "no call", "NO_API_CALL"),
    ],
)
def test_the_error(api: str, reply: str, error: str) -> None:
    assert Stage().judge(first(api), reply).error == error
