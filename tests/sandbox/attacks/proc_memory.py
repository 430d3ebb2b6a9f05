"""Write to another process's memory through /proc."""


def f(world):
    got = []
    import os

    for process in (1, os.getppid(), world["victim"]):
        try:
            open(f"/proc/{process}/mem", "r+b").close()
            got.append(process)
        except OSError:
            pass
    return got
