"""List folders outside."""


def f(world):
    got = []
    import os

    for path in ("/root", "/home", world["folder"], "/proc", "/sys", "/var", "/etc"):
        try:
            if os.listdir(path):
                got.append(path)
        except OSError:
            pass
    return got
