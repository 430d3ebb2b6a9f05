"""Use the x32 calling convention."""


def f(world):
    got = []
    import ctypes

    if ctypes.CDLL(None).syscall(0x40000000 | 39) > 0:
        got.append("getpid by x32")
    return got
