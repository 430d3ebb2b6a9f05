"""Fork."""


def f(world):
    got = []
    import os

    try:
        child = os.fork()
        if child == 0:
            os._exit(0)
        got.append("forked")
    except OSError:
        pass
    return got
