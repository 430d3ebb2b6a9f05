"""Signal all processes and one's group."""


def f(world):
    got = []
    import os

    for process in (-1, 0, -os.getpgrp()):
        try:
            os.kill(process, 0)
            got.append(process)
        except OSError:
            pass
    return got
