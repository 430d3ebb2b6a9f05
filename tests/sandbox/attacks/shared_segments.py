"""Leave System V and POSIX objects behind."""


def f(world):
    got = []
    import ctypes

    libc = ctypes.CDLL(None)
    for number, arguments in (
        (29, (0, 4096, 0o1600)),
        (64, (0, 1, 0o1600)),
        (68, (0, 0o1600)),
        (240, (b"attack", 0o102, 0o600, None)),
    ):
        if libc.syscall(number, *arguments) >= 0:
            got.append(number)
    return got
