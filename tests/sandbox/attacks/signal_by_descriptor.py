"""Let the kernel send the signal: a pipe owned by another process."""


def f(world):
    got = []
    import fcntl, os

    read, write = os.pipe()
    for command, value in ((8, world["victim"]), (10, 15)):
        try:
            fcntl.fcntl(read, command, value)
            got.append(command)
        except OSError:
            pass
    return got
