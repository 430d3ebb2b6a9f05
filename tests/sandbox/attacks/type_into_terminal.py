"""Type into the caller's terminal."""


def f(world):
    got = []
    import fcntl

    for descriptor in (0, 1, 2):
        try:
            fcntl.ioctl(descriptor, 0x5412, b"x")
            got.append(descriptor)
        except OSError:
            pass
    return got
