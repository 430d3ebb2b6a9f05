"""Plant a link that a later writer follows."""


def f(world):
    got = []
    import os

    try:
        os.symlink(world["secret"], world["folder"] + "/planted")
        got.append("planted")
    except OSError:
        pass
    return got
