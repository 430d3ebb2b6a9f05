"""Start a shell."""


def f(world):
    got = []
    import ctypes, os

    for call in (lambda: os.system("true"), lambda: ctypes.CDLL(None).system(b"true")):
        if call() == 0:
            got.append("started")
    return got
