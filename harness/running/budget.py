"""What the runs of one command may cost together, earlier sessions of theirs included."""

from __future__ import annotations

from harness.errors import RunIncomplete
from harness.results.tally import Tally


class Budget:
    """A limit over runs that are counted as they go.

    Args:
        limit: USD; None for none.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.tallies: list[Tally] = []
        """One for each run so far; a run adds its own."""

    @property
    def spent(self) -> float:
        """USD for all recorded tokens that have a price."""
        return sum(tally.cost or 0.0 for tally in self.tallies)

    def reached(self) -> bool:
        """Whether no further sample may be started."""
        return self.limit is not None and self.spent >= self.limit

    def hold(self, left: int, n: int) -> None:
        """Say so where the limit kept samples from being played.

        Args:
            left: Items that are not finished.
            n: All items.

        Raises:
            RunIncomplete: Some were not even started.
        """
        if self.reached() and left > sum(tally.faults for tally in self.tallies):
            raise RunIncomplete(
                f"the cost limit of {self.limit:g} USD is reached: {self.spent:.4g} spent, {left} of {n} items left",
                "What is finished is kept. Raise --cost-limit and type the same command again.",
            )
