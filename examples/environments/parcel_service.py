"""A parcel service between a few towns: an environment for `refine synth`.

    refine synth graph examples/environments/parcel_service.py:Parcels

A parcel is handed in once it is booked and its label printed; booking takes a quote and money on the account.
"""

from __future__ import annotations

import random
from typing import Any, ClassVar, Literal

TOWNS = ("Aldbrook", "Fenmouth", "Harrowgate Quay", "Lindholm", "Port Marrow", "Skelby", "Winterfold", "Yarrow Bridge")
STREETS = ("Canal Row", "Miller's Yard", "Station Road", "Old Tannery", "Kiln Lane", "Harbour Steps")
PEOPLE = ("Agnes Coll", "Bilal Osman", "Dora Kincaid", "Ezra Lund", "Fatima Nour", "Gil Pereira")
PRICES = {"standard": 4.0, "express": 7.5}
HEAVIEST = 20.0

Service = Literal["standard", "express"]


class Parcels:
    """Shops, an account, quotes and parcels on their way."""

    VALUES: ClassVar = {
        "town": list(TOWNS),
        "name": ["Ines Falk", "Jonas Weil", "Kamala Dutt", *PEOPLE],
        "recipient": list(PEOPLE),
        "weight": [0.8, 2.5, 6.0, 11.5],
        "amount": [10.0, 20.0, 50.0],
    }

    def __init__(
        self, shops: dict[str, dict[str, str]], address_book: dict[str, str], balance: float, draw: int
    ) -> None:
        self.shops, self.address_book, self.balance = shops, address_book, balance
        self.quotes: dict[str, dict[str, Any]] = {}
        self.parcels: dict[str, dict[str, Any]] = {}
        self.next_quote, self.next_parcel = 100 + draw % 700, 50_000 + draw % 9_000

    @classmethod
    def fresh(cls, seed: int) -> Parcels:
        """A country with shops, and a customer with an address book."""
        draw = random.Random(seed)
        towns = draw.sample(TOWNS, 5)
        shops = {
            f"S{draw.randrange(100, 999)}": {"town": town, "street": f"{draw.randrange(1, 90)} {draw.choice(STREETS)}"}
            for town in towns
            for _ in range(draw.randint(1, 2))
        }
        people = {name: draw.choice(towns) for name in draw.sample(PEOPLE, 4)}
        return cls(shops, people, float(draw.choice((0, 0, 3, 25))), draw.randrange(10**6))

    def list_shops(self, town: str) -> list[dict[str, str]]:
        """List the parcel shops of a town.

        Args:
            town: Name of the town.
        """
        found = [{"shop_id": key, "street": shop["street"]} for key, shop in self.shops.items() if shop["town"] == town]
        if not found:
            raise LookupError(f"there is no shop in {town}")
        return found

    def find_contact(self, name: str) -> dict[str, str]:
        """Look up in which town somebody of the address book lives.

        Args:
            name: First and last name.
        """
        if name not in self.address_book:
            raise LookupError(f"{name} is not in the address book")
        return {"name": name, "town": self.address_book[name]}

    def add_contact(self, name: str, town: str) -> str:
        """Put somebody into the address book.

        Args:
            name: First and last name.
            town: Where they live.
        """
        if name in self.address_book:
            raise ValueError(f"{name} is in the address book already")
        if town not in {shop["town"] for shop in self.shops.values()}:
            raise LookupError(f"{town} is not served")
        self.address_book[name] = town
        return f"{name} was added."

    def get_quote(self, town: str, weight: float, service: Service = "standard") -> dict[str, Any]:
        """Ask what a parcel costs.

        Args:
            town: Where it goes.
            weight: In kilograms, up to 20.
            service: How fast it goes.
        """
        if town not in {shop["town"] for shop in self.shops.values()}:
            raise LookupError(f"{town} is not served")
        if not 0 < weight <= HEAVIEST:
            raise ValueError(f"parcels weigh up to {HEAVIEST} kg")
        if service not in PRICES:
            raise ValueError("service is standard or express")
        number = f"Q{self.next_quote}"
        self.next_quote += 1
        price = round(PRICES[service] + 0.5 * weight, 2)
        self.quotes[number] = {"town": town, "weight": weight, "service": service, "price": price}
        return {"quote_id": number, "price": price}

    def get_balance(self) -> dict[str, float]:
        """Show the money on the account."""
        return {"balance": self.balance}

    def top_up(self, amount: float) -> dict[str, float]:
        """Put money on the account.

        Args:
            amount: In crowns, from 5 to 200.
        """
        if not 5 <= amount <= 200:
            raise ValueError("amounts are from 5 to 200")
        self.balance = round(self.balance + amount, 2)
        return {"balance": self.balance}

    def book_parcel(self, quote_id: str, recipient: str) -> dict[str, str]:
        """Book a parcel by its quote; the account must hold its price (top_up).

        Args:
            quote_id: From get_quote.
            recipient: Name on the parcel.
        """
        if quote_id not in self.quotes:
            raise LookupError(f"quote {quote_id} is unknown: use get_quote first")
        if not recipient:
            raise ValueError("a parcel needs a recipient")
        price = self.quotes[quote_id]["price"]
        if self.balance < price:
            raise PermissionError(f"the balance is {self.balance}, the price {price}: use top_up first")
        self.balance = round(self.balance - price, 2)
        quote = self.quotes.pop(quote_id)
        number = f"P{self.next_parcel}"
        self.next_parcel += 7
        self.parcels[number] = {"recipient": recipient, **quote, "status": "booked", "shop_id": None}
        return {"tracking_number": number, "status": "booked"}

    def print_label(self, tracking_number: str) -> str:
        """Print the label of a booked parcel.

        Args:
            tracking_number: Number of the parcel.
        """
        parcel = self._parcel(tracking_number, "booked")
        parcel["status"] = "labelled"
        return f"The label of {tracking_number} is printed."

    def hand_in(self, tracking_number: str, shop_id: str) -> dict[str, str]:
        """Hand a labelled parcel in at a shop (print_label).

        Args:
            tracking_number: Number of the parcel.
            shop_id: Number of the shop.
        """
        if shop_id not in self.shops:
            raise LookupError(f"shop {shop_id} is unknown: use list_shops")
        parcel = self._parcel(tracking_number, "labelled", "use print_label first")
        parcel.update(status="on its way", shop_id=shop_id)
        return {"receipt": f"{tracking_number}-{shop_id}", "status": "on its way"}

    def redirect(self, tracking_number: str, town: str) -> dict[str, str]:
        """Send a parcel that is on its way to another town.

        Args:
            tracking_number: Number of the parcel.
            town: Where it goes instead.
        """
        if town not in {shop["town"] for shop in self.shops.values()}:
            raise LookupError(f"{town} is not served")
        parcel = self._parcel(tracking_number, "on its way", "use hand_in first")
        if parcel["town"] == town:
            raise ValueError(f"{tracking_number} goes to {town} already")
        parcel["town"] = town
        return {"tracking_number": tracking_number, "town": town}

    def track(self, tracking_number: str) -> dict[str, Any]:
        """Show where a parcel is.

        Args:
            tracking_number: Number of the parcel.
        """
        parcel = self._parcel(tracking_number)
        return {"status": parcel["status"], "town": parcel["town"], "recipient": parcel["recipient"]}

    def cancel_parcel(self, tracking_number: str) -> dict[str, float]:
        """Cancel a parcel that is not handed in yet; its price comes back.

        Args:
            tracking_number: Number of the parcel.
        """
        parcel = self._parcel(tracking_number)
        if parcel["status"] == "on its way":
            raise ValueError(f"{tracking_number} is on its way")
        self.balance = round(self.balance + parcel["price"], 2)
        del self.parcels[tracking_number]
        return {"balance": self.balance}

    def _parcel(self, number: str, status: str | None = None, remedy: str = "") -> dict[str, Any]:
        if number not in self.parcels:
            raise LookupError(f"parcel {number} is unknown: use book_parcel first")
        parcel = self.parcels[number]
        if status and parcel["status"] != status:
            raise ValueError(f"{number} is {parcel['status']}, not {status}{': ' + remedy if remedy else ''}")
        return parcel
