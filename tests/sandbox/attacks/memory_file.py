"""Keep data in an unnamed memory file."""


def f(world):
    got = []
    import os

    try:
        os.memfd_create("x")
        got.append("made")
    except OSError:
        pass
    return got
