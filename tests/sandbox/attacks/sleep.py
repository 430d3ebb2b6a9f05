"""Sleep."""


def f(world):
    got = []
    import time

    time.sleep(1000)
    return got
