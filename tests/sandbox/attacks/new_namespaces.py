"""Make or enter namespaces."""


def f(world):
    got = []
    import ctypes

    libc = ctypes.CDLL(None)
    for flags in (0x10000000, 0x00020000, 0x40000000):
        if libc.unshare(flags) == 0:
            got.append(flags)
    if libc.setns(0, 0) == 0:
        got.append("setns")
    return got
