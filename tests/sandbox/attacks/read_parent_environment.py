"""Read other processes' environment."""


def f(world):
    got = []
    import os

    for process in (1, os.getppid(), world["grader"], world["victim"]):
        try:
            got.append(open(f"/proc/{process}/environ").read()[:10])
        except OSError:
            pass
    return got
