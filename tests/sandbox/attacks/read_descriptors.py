"""Use descriptors that were left open."""


def f(world):
    got = []
    import os

    for descriptor in range(3, 256):
        try:
            if os.read(descriptor, 1):
                got.append(descriptor)
        except OSError:
            pass
    return got
