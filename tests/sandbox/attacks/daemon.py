"""Leave a process behind."""


def f(world):
    got = []
    import os

    try:
        os.setsid()
        if os.fork() == 0:
            import time

            time.sleep(30)
            os._exit(0)
        got.append("left behind")
    except OSError:
        pass
    return got
