"""Reach other processes' open files through /proc."""


def f(world):
    got = []
    import os

    for process in (1, os.getppid(), world["grader"], world["victim"]):
        try:
            got += os.listdir(f"/proc/{process}/fd")
        except OSError:
            pass
    return got
