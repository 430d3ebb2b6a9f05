"""Change a file outside."""


def f(world):
    got = []
    try:
        open(world["secret"], "a").write("x")
        got.append("changed")
    except OSError:
        pass
    return got
