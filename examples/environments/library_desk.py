"""The lending desk of a town library: an environment for `refine synth`.

    refine synth graph examples/environments/library_desk.py:Desk

A copy is lent to the member who is signed in, and only without open fines: two preconditions at once.
"""

from __future__ import annotations

import random
from typing import Any, ClassVar, TypedDict

SUBJECTS = {
    "bridges": ("Spans of Iron", "A Walk Across the Severn", "Cables and Arches"),
    "moths": ("Night Wings", "The Lamp and the Moth", "A Field Book of Hawk-moths"),
    "bread": ("Rye and Patience", "The Village Oven", "Sourdough by Numbers"),
    "glaciers": ("Slow Rivers of Ice", "Moraine", "Reading the Snow Line"),
    "clocks": ("The Escapement", "Longitude by Lantern", "Bells of Utrecht"),
    "islands": ("Ferry to Foula", "Salt Marsh Year", "The Keeper's Log"),
}
AUTHORS = ("Ida Velder", "Tomas Arnqvist", "Priya Raman", "Oluwaseun Bello", "Greta Holm", "Marek Dolny", "Aiko Senda")
MEMBERS = ("Lena Fuchs", "Yusuf Demir", "Carla Bruno", "Henrik Aas", "Mina Tran", "Paulo Reis", "Noor Haddad")
LOANS_AT_ONCE = 4


class Book(TypedDict):
    """A title in the catalogue."""

    book_id: str
    title: str
    author: str


class Desk:
    """One desk with its catalogue, members, loans and reservations."""

    VALUES: ClassVar = {"find_books.subject": sorted(SUBJECTS), "find_member.name": list(MEMBERS)}

    def __init__(self, books: dict[str, dict[str, Any]], members: dict[str, dict[str, Any]]) -> None:
        self.books, self.members = books, members
        self.loans: dict[str, dict[str, Any]] = {}
        self.reservations: dict[str, dict[str, Any]] = {}
        self.signed_in: str | None = None
        self.next_loan, self.next_reservation = 401, 71

    @classmethod
    def fresh(cls, seed: int) -> Desk:
        """A library with titles, shelves and members of its own."""
        draw = random.Random(seed)
        books = {}
        for subject in draw.sample(sorted(SUBJECTS), 4):
            for title in draw.sample(SUBJECTS[subject], draw.randint(1, 3)):
                number = f"B-{draw.randrange(1000, 9999)}"
                shelf = f"{draw.choice('KLMPR')}{draw.randrange(1, 30)}"
                copies = {f"{number}/{letter}": shelf for letter in "ab"[: draw.randint(1, 2)]}
                books[number] = {"title": title, "author": draw.choice(AUTHORS), "subject": subject, "copies": copies}
        members = {
            f"C{draw.randrange(20000, 99999)}": {"name": name, "fines": draw.choice((0.0, 0.0, 1.5, 2.4, 3.75))}
            for name in draw.sample(MEMBERS, 4)
        }
        return cls(books, members)

    def find_books(self, subject: str) -> list[Book]:
        """List the titles on a subject.

        Args:
            subject: One word, for example `moths`.
        """
        return [
            Book(book_id=number, title=book["title"], author=book["author"])
            for number, book in self.books.items()
            if book["subject"] == subject.lower()
        ]

    def list_subjects(self) -> list[str]:
        """List the subjects that the catalogue has titles on."""
        return sorted({book["subject"] for book in self.books.values()})

    def list_copies(self, book_id: str) -> list[dict[str, Any]]:
        """List the copies of a title with their shelves.

        Args:
            book_id: Number in the catalogue.
        """
        lent = {loan["copy_id"] for loan in self.loans.values()}
        copies = self._book(book_id)["copies"]
        return [{"copy_id": copy, "shelf": shelf, "lent": copy in lent} for copy, shelf in copies.items()]

    def find_member(self, name: str) -> dict[str, Any]:
        """Look up a member's card by the full name.

        Args:
            name: First and last name.
        """
        for card, member in self.members.items():
            if member["name"].lower() == name.lower():
                return {"card": card, "name": member["name"], "fines": member["fines"]}
        raise LookupError(f"no member is called {name}")

    def sign_in(self, card: str) -> str:
        """Sign a member in at the desk.

        Args:
            card: Number of the member's card.
        """
        if card not in self.members:
            raise LookupError(f"card {card} is unknown")
        if self.signed_in == card:
            raise ValueError("this card is signed in already")
        self.signed_in = card
        return f"{self.members[card]['name']} is signed in."

    def sign_out(self) -> str:
        """Sign the member out."""
        self._member()
        self.signed_in = None
        return "Signed out."

    def pay_fine(self, amount: float) -> dict[str, float]:
        """Pay fines of the member who is signed in.

        Args:
            amount: In euros, not more than what is open.
        """
        member = self._member()
        if not 0 < amount <= member["fines"]:
            raise ValueError(f"open fines are {member['fines']}")
        member["fines"] = round(member["fines"] - amount, 2)
        return {"fines": member["fines"]}

    def lend(self, copy_id: str) -> dict[str, str]:
        """Lend a copy to the member who is signed in; fines must be paid first (pay_fine).

        Args:
            copy_id: Number of the copy.
        """
        member = self._member()
        if member["fines"]:
            raise PermissionError(f"open fines of {member['fines']}: use pay_fine first")
        if copy_id not in {copy for book in self.books.values() for copy in book["copies"]}:
            raise LookupError(f"copy {copy_id} is unknown")
        if any(loan["copy_id"] == copy_id for loan in self.loans.values()):
            raise ValueError(f"copy {copy_id} is lent")
        if sum(loan["card"] == self.signed_in for loan in self.loans.values()) >= LOANS_AT_ONCE:
            raise ValueError(f"no more than {LOANS_AT_ONCE} loans at once")
        number = f"L{self.next_loan}"
        self.next_loan += 1
        self.loans[number] = {"copy_id": copy_id, "card": self.signed_in, "weeks": 3, "renewals": 0}
        return {"loan_id": number, "due": "in 3 weeks"}

    def renew(self, loan_id: str) -> dict[str, Any]:
        """Extend a loan by three weeks, twice at most.

        Args:
            loan_id: Number of the loan.
        """
        loan = self._loan(loan_id)
        if loan["renewals"] == 2:
            raise ValueError("a loan is renewed twice at most")
        loan["renewals"] += 1
        loan["weeks"] += 3
        return {"loan_id": loan_id, "weeks": loan["weeks"]}

    def return_copy(self, copy_id: str) -> str:
        """Take back a copy that is lent.

        Args:
            copy_id: Number of the copy.
        """
        for number, loan in self.loans.items():
            if loan["copy_id"] == copy_id:
                del self.loans[number]
                return f"{copy_id} is back."
        raise LookupError(f"copy {copy_id} is not lent")

    def reserve(self, book_id: str) -> dict[str, str]:
        """Reserve a title for the member who is signed in.

        Args:
            book_id: Number in the catalogue.
        """
        self._member()
        self._book(book_id)
        if any(r["book_id"] == book_id and r["card"] == self.signed_in for r in self.reservations.values()):
            raise ValueError(f"{book_id} is reserved for this card already")
        number = f"R{self.next_reservation}"
        self.next_reservation += 1
        self.reservations[number] = {"book_id": book_id, "card": self.signed_in}
        return {"reservation_id": number}

    def cancel_reservation(self, reservation_id: str) -> str:
        """Cancel a reservation.

        Args:
            reservation_id: Number of the reservation.
        """
        if reservation_id not in self.reservations:
            raise LookupError(f"reservation {reservation_id} is unknown")
        del self.reservations[reservation_id]
        return f"{reservation_id} is cancelled."

    def list_loans(self) -> list[dict[str, Any]]:
        """List the loans of the member who is signed in."""
        self._member()
        return [
            {"loan_id": n, "copy_id": loan["copy_id"]}
            for n, loan in self.loans.items()
            if loan["card"] == self.signed_in
        ]

    def _member(self) -> dict[str, Any]:
        if self.signed_in is None:
            raise PermissionError("nobody is signed in: use sign_in first")
        return self.members[self.signed_in]

    def _book(self, book_id: str) -> dict[str, Any]:
        if book_id not in self.books:
            raise LookupError(f"book {book_id} is unknown")
        return self.books[book_id]

    def _loan(self, loan_id: str) -> dict[str, Any]:
        self._member()
        if loan_id not in self.loans:
            raise LookupError(f"loan {loan_id} is unknown")
        return self.loans[loan_id]
