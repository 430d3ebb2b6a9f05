"""Start a program."""


def f(world):
    got = []
    import os, subprocess

    for call in (lambda: subprocess.run(["/bin/true"]), lambda: os.posix_spawn("/bin/true", ["true"], {})):
        try:
            call()
            got.append("started")
        except OSError:
            pass
    return got
