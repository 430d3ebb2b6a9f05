"""Make a process by clone3."""


def f(world):
    got = []
    import ctypes, os

    libc = ctypes.CDLL(None)
    arguments = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17)
    child = libc.syscall(435, arguments, 88)
    if child == 0:
        os._exit(0)
    if child > 0:
        got.append("cloned")
    return got
