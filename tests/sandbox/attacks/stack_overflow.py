"""Overflow the stack."""


def f(world):
    got = []
    import sys

    sys.setrecursionlimit(10**8)

    def dive(n):
        return [dive(n + 1)] and sorted([1], key=lambda _: dive(n + 1))

    dive(0)
    return got
