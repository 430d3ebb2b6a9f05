"""Hold the interpreter's lock inside the C library."""


def f(world):
    got = []
    import ctypes

    ctypes.PyDLL(None).sleep(1000)
    return got
