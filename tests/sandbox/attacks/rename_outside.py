"""Rename a file outside."""


def f(world):
    got = []
    import os

    try:
        os.rename(world["secret"], world["secret"] + ".moved")
        got.append("renamed")
    except OSError:
        pass
    return got
