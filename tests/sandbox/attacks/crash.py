"""Crash the interpreter."""


def f(world):
    got = []
    import ctypes

    ctypes.string_at(0)
    return got
