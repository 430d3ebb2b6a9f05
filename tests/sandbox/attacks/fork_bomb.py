"""Fork again and again (five times here)."""


def f(world):
    got = []
    import os

    for _ in range(5):
        try:
            if os.fork() == 0:
                os._exit(0)
            got.append("forked")
        except OSError:
            pass
    return got
