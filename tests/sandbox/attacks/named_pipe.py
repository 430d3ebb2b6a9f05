"""Leave a named pipe or a socket in a shared place."""


def f(world):
    got = []
    import os, stat

    for place in (world["folder"], "/tmp", "/dev/shm"):
        try:
            os.mkfifo(place + "/pipe")
            got.append(place)
        except OSError:
            pass
    return got
