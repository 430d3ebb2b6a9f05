"""Read another process's memory."""


def f(world):
    got = []
    import ctypes, os

    libc = ctypes.CDLL(None, use_errno=True)
    for process in (os.getppid(), 1, world["victim"]):
        local = (ctypes.c_uint64 * 2)(0, 0)
        if libc.process_vm_readv(process, local, 0, local, 0, 0) == 0:
            got.append(process)
    return got
