"""Signal the server that started this."""


def f(world):
    got = []
    import os, signal

    for process in (os.getppid(), 1, world["grader"]):
        try:
            os.kill(process, signal.SIGCONT)
            got.append(process)
        except OSError:
            pass
    return got
