"""Climb out of the working directory."""


def f(world):
    got = []
    try:
        got.append(open("../" * 30 + world["secret"]).read())
    except OSError:
        pass
    return got
