"""Empty a file outside."""


def f(world):
    got = []
    import os

    try:
        os.truncate(world["secret"], 0)
        got.append("emptied")
    except OSError:
        pass
    return got
