"""Print a gigabyte."""


def f(world):
    got = []
    import os, sys

    block = "x" * (1 << 20)
    for _ in range(512):
        sys.stdout.write(block)
    for _ in range(512):
        os.write(2, block.encode())
    return got
