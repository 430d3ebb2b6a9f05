"""Folders in folders, deeper than any path is long, and some that nobody may open."""


def f(world):
    got = []
    import os

    try:
        for number in range(1_000_000):
            os.mkdir("locked", 0)
            os.mkdir("x" * 200)
            os.chdir("x" * 200)
        got.append("made")
    except OSError:
        pass
    return got
