"""Stop instead of ending."""


def f(world):
    got = []
    import os, signal

    os.kill(os.getpid(), signal.SIGSTOP)
    return []
    return got
