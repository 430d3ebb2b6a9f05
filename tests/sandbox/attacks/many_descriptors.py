"""Open descriptors without end."""


def f(world):
    got = []
    import os

    opened = []
    try:
        while len(opened) < 5000:
            opened.extend(os.pipe())
        got.append(len(opened))
    except OSError:
        pass
    return got
