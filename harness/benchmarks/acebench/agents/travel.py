"""The travel service: flights, reservations and what users pay for them.

Follows the official environment class (`scenarios*/travel.py`, commit 56dd66cf); see `phone`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from harness.benchmarks.acebench.agents.phone import Result, Say

CABINS = {"en": ("Economy Class", "Business Class"), "zh": ("经济舱", "商务舱")}
FREE_BAGGAGE = {"regular": (1, 2), "silver": (2, 3), "gold": (3, 3)}
"""Membership -> free pieces in the two cabins."""
BAGGAGE_FEE = 50
"""Yuan a piece."""
NOW = datetime(2024, 7, 14, 6)
"""The time at which everything is cancelled."""

_TIME = "%Y-%m-%d %H:%M:%S"


class Travel:
    """Flights of some days, four reservations, three users.

    Args:
        state: Initial attributes; copied.
        say: Gives result texts.
        language: `en` or `zh`; cabins have names in it.
        config: Of no effect.
    """

    saved = ("users", "reservations")
    users: dict[str, dict[str, Any]]
    flights: list[dict[str, Any]]
    reservations: list[dict[str, Any]]

    def __init__(self, state: Mapping[str, Any], say: Say, language: str, config: Mapping[str, Any]) -> None:
        for name, value in copy.deepcopy(dict(state)).items():
            setattr(self, name, value)
        self._say = say
        self._economy, self._business = CABINS[language]

    def get_flight_details(self, origin: Any = None, destination: Any = None) -> Any:
        """Flights from and to a place, each left out for any."""
        found = [
            dict(flight)
            for flight in self.flights
            if (not origin or flight["origin"] == origin) and (not destination or flight["destination"] == destination)
        ]
        return found or self._say("no_direct_flight")

    def get_user_details(self, user_id: Any, password: Any) -> Result:
        """What is known of a user, without the password."""
        user = self.authenticate_user(user_id, password)
        return {key: value for key, value in user.items() if key != "password"}

    def get_reservation_details(self, reservation_id: Any = None, user_id: Any = None) -> Any:
        """Reservations by number or by user, with the first flight of that number."""
        if not reservation_id and not user_id:
            return {"status": "error", "message": self._say("reservation_not_named")}
        key, wanted = ("reservation_id", reservation_id) if reservation_id else ("user_id", user_id)
        return [
            {**reservation, "flight_info": self._flight(reservation["flight_no"])}
            for reservation in self.reservations
            if reservation[key] == wanted
        ]

    def authenticate_user(self, user_id: Any, password: Any) -> Result:
        """The user with that password, or an error that counts as a user all the same."""
        user = self.users.get(user_id)
        if user and user["password"] == password:
            return user
        return {"status": "error", "message": self._say("wrong_login")}

    def get_baggage_allowance(self, membership_level: Any, cabin_class: Any) -> int:
        """Free pieces; 0 for a membership or cabin that is not known."""
        free = dict(zip((self._economy, self._business), FREE_BAGGAGE.get(membership_level, ()), strict=False))
        return free.get(cabin_class, 0)

    def find_transfer_flights(self, origin_city: Any, transfer_city: Any, destination_city: Any) -> Any:
        """Pairs of flights of which the first lands before the second leaves."""
        legs = [
            [
                flight
                for flight in self.flights
                if (flight["origin"], flight["destination"], flight["status"]) == (*ends, "available")
            ]
            for ends in ((origin_city, transfer_city), (transfer_city, destination_city))
        ]
        found = [
            {"first_leg": first, "second_leg": second}
            for first in legs[0]
            for second in legs[1]
            if datetime.strptime(first["arrival_time"], _TIME) < datetime.strptime(second["depart_time"], _TIME)
        ]
        return found or self._say("no_connection")

    def calculate_baggage_fee(self, membership_level: Any, cabin_class: Any, baggage_count: Any) -> Any:
        """Yuan for the pieces that are not free."""
        free = dict(zip((self._economy, self._business), FREE_BAGGAGE[membership_level], strict=True))[cabin_class]
        return max(baggage_count - free, 0) * BAGGAGE_FEE

    def update_balance(self, user: Any, payment_method: Any, amount: Any) -> bool:
        """Add an amount, unless the balance would become negative; another method of payment is free."""
        if payment_method in ("cash", "bank"):
            account = f"{payment_method}_balance"
            if user[account] + amount < 0:
                return False
            user[account] += amount
        return True

    def reserve_flight(
        self, user_id: Any, password: Any, flight_no: Any, cabin: Any, payment_method: Any, baggage_count: Any
    ) -> Any:
        """Book the first available flight of that number; a wrong login fails at the membership."""
        user = self.authenticate_user(user_id, password)
        flight: Any = self._flight(flight_no, available=True)
        cost = flight["economy_price"] if cabin == self._economy else flight["business_price"]
        cost += self.calculate_baggage_fee(user["membership_level"], cabin, baggage_count)
        if payment_method not in ["cash", "bank"]:
            return self._say("bad_payment")
        account = f"{payment_method}_balance"
        if cost > self.users[user_id][account]:
            return self._say(f"{payment_method}_too_low")
        self.users[user_id][account] -= cost
        flight["seats_available"] -= 1
        number = f"res_{len(self.reservations) + 1}"
        booked = {"user_id": user_id, "flight_no": flight_no, "payment_method": payment_method, "cabin": cabin}
        self.reservations.append({"reservation_id": number, **booked, "baggage": baggage_count})
        return self._say("booked", number, cost)

    def modify_flight(
        self,
        user_id: Any,
        reservation_id: Any,
        new_flight_no: Any = None,
        new_cabin: Any = None,
        add_baggage: Any = 0,
        new_payment_method: Any = None,
    ) -> Any:
        """Change flight, cabin or baggage; what is changed before a payment fails stays changed."""
        reservation = self._reservation(user_id, reservation_id)
        if not reservation:
            return self._say("no_reservation")
        flight = self._flight(reservation["flight_no"])
        if not flight:
            return self._say("no_flight")
        user, method = self.users[user_id], new_payment_method or reservation["payment_method"]
        notes: list[str] = []
        if new_flight_no and new_flight_no != reservation["flight_no"]:
            if not _same_route(self._flight(new_flight_no), flight):
                return self._say("flight_not_changed")
            reservation["flight_no"] = new_flight_no
            notes.append(self._say("flight_changed"))
        if new_cabin and new_cabin != reservation.get("cabin"):
            notes += self._change_cabin(reservation, flight, user, method, new_cabin)
        if add_baggage > 0:
            notes += self._add_baggage(reservation, user, method, add_baggage)
        return " ".join(notes or [self._say("nothing_to_pay")])

    def _change_cabin(self, reservation: Any, flight: Any, user: Any, method: Any, cabin: Any) -> list[str]:
        difference = self.calculate_price_difference(flight, reservation["cabin"], cabin)
        reservation["cabin"] = cabin
        if difference == 0:
            return []
        paid = self.update_balance(user, method, -difference)
        if difference < 0:
            return [self._say("cabin_refunded", -difference)]
        return [self._say("cabin_paid", difference) if paid else self._say("cabin_not_paid")]

    def _add_baggage(self, reservation: Any, user: Any, method: Any, pieces: Any) -> list[str]:
        free = self.get_baggage_allowance(user["membership_level"], reservation["cabin"])
        total = reservation.get("baggage", 0) + pieces
        cost = max(0, total - free) * BAGGAGE_FEE
        notes = []
        if cost > 0:
            paid = self.update_balance(user, method, -cost)
            notes.append(self._say("baggage_paid", cost) if paid else self._say("baggage_not_paid"))
        reservation["baggage"] = total
        return notes

    def cancel_reservation(self, user_id: Any, reservation_id: Any, reason: Any) -> Any:
        """Pay a reservation back in cash, a tenth less on the last day; it stays on the list."""
        user = self.users.get(user_id)
        if not user:
            return self._say("no_user_id")
        reservation = self._reservation(user_id, reservation_id)
        if not reservation:
            return self._say("no_reservation_of_user")
        flight = self._flight(reservation["flight_no"])
        if not flight:
            return self._say("bad_flight")
        leaves = datetime.strptime(flight["depart_time"], _TIME)
        if leaves < NOW:
            return self._say("flight_used")
        price = flight["economy_price"] if reservation["cabin"] == self._economy else flight["business_price"]
        if reason == self._say("airline_cancelled"):
            self.process_refund(user, price)
            return self._say("refunded_by_airline", price)
        if leaves - NOW > timedelta(days=1):
            self.process_refund(user, price)
            return self._say("refunded", price)
        fee = price * 0.1
        self.process_refund(user, price - fee)
        return self._say("refunded_less_fee", fee, price - fee)

    def process_refund(self, user: Any, amount: Any) -> None:
        """Add an amount to a user's cash."""
        user["cash_balance"] += amount
        _ = user["user_name"]  # the official one names the user, and fails without

    def calculate_price_difference(self, flight: Any, old_cabin: Any, new_cabin: Any) -> Any:
        """Yuan from one cabin to another; a cabin that is not known costs nothing."""
        prices = {self._economy: flight["economy_price"], self._business: flight["business_price"]}
        return prices.get(new_cabin, 0) - prices.get(old_cabin, 0)

    def _flight(self, number: Any, available: bool = False) -> dict[str, Any] | None:
        """The first flight of that number: numbers repeat."""
        return next(
            (
                flight
                for flight in self.flights
                if flight["flight_no"] == number and (not available or flight["status"] == "available")
            ),
            None,
        )

    def _reservation(self, user_id: Any, number: Any) -> dict[str, Any] | None:
        return next(
            (each for each in self.reservations if (each["reservation_id"], each["user_id"]) == (number, user_id)), None
        )


def _same_route(one: Mapping[str, Any] | None, other: Mapping[str, Any]) -> bool:
    return one is not None and all(one[end] == other[end] for end in ("origin", "destination"))
