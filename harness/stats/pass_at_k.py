"""pass@k from repeated generations."""

from __future__ import annotations

from collections.abc import Iterable


def pass_at_k(tries: int, passed: int, k: int) -> float:
    """Probability that at least one of `k` generations passes, estimated without bias from `tries` of them.

    1 - C(n - c, k) / C(n, k), Chen et al. 2021 (arXiv 2107.03374), equation 1, as a product that cannot overflow.

    Args:
        tries: Generations of a problem, n.
        passed: Those that passed, c.
        k: At most n.

    Returns:
        Between 0 and 1.

    Raises:
        ValueError: k is more than n, or a count makes no sense.
    """
    if not (0 <= passed <= tries and 1 <= k <= tries):
        raise ValueError(f"pass@{k} cannot be estimated from {passed} of {tries}")
    missed = 1.0
    for n in range(tries - passed + 1, tries + 1):
        missed *= max(0.0, 1.0 - k / n)
    return 1.0 - missed


def mean_pass_at_k(counts: Iterable[tuple[int, int]], k: int) -> float:
    """Mean over problems.

    Args:
        counts: Tries and passes of each problem; at least one problem.
        k: Generations that may be tried.

    Returns:
        Between 0 and 1.
    """
    found = [pass_at_k(tries, passed, k) for tries, passed in counts]
    return sum(found) / len(found)
