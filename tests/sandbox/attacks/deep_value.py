"""Return a value nested a million times."""


def f(world):
    got = []
    value = []
    for _ in range(1_000_000):
        value = [value]
    return value
    return got
