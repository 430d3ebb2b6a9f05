"""Reach rarely used parts of the kernel."""


def f(world):
    got = []
    import ctypes

    libc = ctypes.CDLL(None)
    for number in (
        321,
        298,
        323,
        425,
        250,
        248,
        175,
        246,
        169,
        163,
        303,
        272,
        310,
        311,
        312,
        317,
        424,
        438,
        440,
        444,
        447,
    ):
        if libc.syscall(number, 0, 0, 0, 0, 0) >= 0:
            got.append(number)
    return got
