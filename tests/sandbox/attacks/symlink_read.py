"""Follow a link to a file outside."""


def f(world):
    got = []
    import os

    try:
        os.symlink(world["secret"], "/tmp/link")
        got.append(open("/tmp/link").read())
    except OSError:
        pass
    return got
