"""Trace another process."""


def f(world):
    got = []
    import ctypes, os

    libc = ctypes.CDLL(None)
    for process in (os.getppid(), world["victim"]):
        if libc.ptrace(16, process, 0, 0) == 0:
            libc.ptrace(17, process, 0, 0)
            got.append(process)
    return got
