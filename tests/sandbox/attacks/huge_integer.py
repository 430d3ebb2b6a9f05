"""Return a number that takes long to print."""


def f(world):
    got = []
    return 10**10**6
    return got
