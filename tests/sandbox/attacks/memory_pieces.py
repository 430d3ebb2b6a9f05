"""Take memory piece by piece, above the limit of 1 GB."""


def f(world):
    got = []
    pieces = []
    try:
        for _ in range(24):
            pieces.append(bytearray(1 << 26))
        got.append("1.5 GB")
    except MemoryError:
        pass
    return got
