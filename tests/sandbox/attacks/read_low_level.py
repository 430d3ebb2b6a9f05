"""Read a file outside by descriptor."""


def f(world):
    got = []
    import os

    try:
        got.append(os.read(os.open(world["secret"], os.O_RDONLY), 100).decode())
    except OSError:
        pass
    return got
