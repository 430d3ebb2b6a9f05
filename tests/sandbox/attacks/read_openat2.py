"""Open by a newer system call."""


def f(world):
    got = []
    import ctypes

    libc = ctypes.CDLL(None)
    how = (ctypes.c_uint64 * 3)(0, 0, 0)
    if libc.syscall(437, -100, world["secret"].encode(), how, 24) >= 0:
        got.append("openat2")
    return got
