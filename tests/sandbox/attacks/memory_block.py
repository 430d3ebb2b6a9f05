"""Map 8 GB at once."""


def f(world):
    got = []
    import mmap

    try:
        mmap.mmap(-1, 8 << 30)
        got.append("mapped")
    except (OSError, MemoryError):
        pass
    return got
