"""Change a file's owner."""


def f(world):
    got = []
    import os

    try:
        os.chown(world["secret"], 0, 0)
        got.append("owner")
    except OSError:
        pass
    return got
