"""Take the layers off again."""


def f(world):
    got = []
    import ctypes

    libc = ctypes.CDLL(None)
    for arguments in ((38, 0), (22, 0), (4, 1), (47, 2, 21), (24, 21)):
        if libc.prctl(*arguments, 0, 0, 0) == 0:
            got.append(arguments)
    return got
