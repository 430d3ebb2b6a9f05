"""Mount, unmount, change the root."""


def f(world):
    got = []
    import ctypes, os

    libc = ctypes.CDLL(None)
    for call in (
        lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        lambda: libc.umount2(b"/tmp", 2),
        lambda: libc.chroot(b"/tmp"),
        lambda: libc.syscall(155, b"/", b"/tmp"),
        lambda: libc.syscall(428, -100, b"/", 0),
    ):
        if call() >= 0:
            got.append("changed")
    return got
