"""Fork through the C library and by number."""


def f(world):
    got = []
    import ctypes, os

    libc = ctypes.CDLL(None)
    for call in (libc.fork, lambda: libc.syscall(57), lambda: libc.syscall(56, 17, 0, 0, 0, 0)):
        child = call()
        if child == 0:
            os._exit(0)
        if child > 0:
            got.append("forked")
    return got
