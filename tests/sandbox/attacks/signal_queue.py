"""Signal by the other system calls."""


def f(world):
    got = []
    import ctypes

    libc = ctypes.CDLL(None)
    for arguments in (
        (129, world["victim"], 15, b"\0" * 128),
        (200, world["victim"], 15),
        (234, world["victim"], world["victim"], 15),
        (434, world["victim"], 0),
    ):
        if libc.syscall(*arguments) >= 0:
            got.append(arguments[0])
    return got
