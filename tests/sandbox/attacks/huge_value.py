"""Return 100 MB."""


def f(world):
    got = []
    return "x" * 100_000_000
    return got
