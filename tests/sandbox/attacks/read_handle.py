"""Open by file handle, past path checks."""


def f(world):
    got = []
    import ctypes

    libc = ctypes.CDLL(None)
    buffer = ctypes.create_string_buffer(256)
    mount = ctypes.c_int()
    if libc.name_to_handle_at(-100, world["secret"].encode(), buffer, ctypes.byref(mount), 0) == 0:
        got.append("handle")
    return got
