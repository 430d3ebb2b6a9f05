"""Return a list that holds itself."""


def f(world):
    got = []
    value = []
    value.append(value)
    return value
    return got
