"""Become another program."""


def f(world):
    got = []
    import os, sys

    for path in ("/bin/sh", "/usr/bin/env", sys.executable):
        try:
            os.execv(path, [path, "--version"])
        except (OSError, ValueError):
            pass
    return got
