"""Hang inside a C function."""


def f(world):
    got = []
    import re

    re.match("(a+)+$", "a" * 60 + "b")
    return got
