"""Delete a file outside."""


def f(world):
    got = []
    import os

    try:
        os.remove(world["secret"])
        got.append("deleted")
    except OSError:
        pass
    return got
