"""Change one's user and groups."""


def f(world):
    got = []
    import os

    for call in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0), lambda: os.setgroups([0])):
        try:
            call()
            got.append("changed")
        except OSError:
            pass
    return got
