"""Read a file outside through the C library."""


def f(world):
    got = []
    import ctypes

    libc = ctypes.CDLL(None)
    descriptor = libc.open(world["secret"].encode(), 0)
    if descriptor >= 0:
        buffer = ctypes.create_string_buffer(100)
        libc.read(descriptor, buffer, 100)
        got.append(buffer.value.decode())
    return got
