"""Read a file outside."""


def f(world):
    got = []
    try:
        got.append(open(world["secret"]).read())
    except OSError:
        pass
    return got
