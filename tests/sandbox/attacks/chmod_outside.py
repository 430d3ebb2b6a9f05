"""Change modes and times outside."""


def f(world):
    got = []
    import os

    for call in (lambda p: os.chmod(p, 0o777), lambda p: os.utime(p, (1, 1)), lambda p: os.setxattr(p, "user.x", b"1")):
        try:
            call(world["secret"])
            got.append("changed")
        except OSError:
            pass
    return got
