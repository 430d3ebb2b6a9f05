"""Hang when the process ends."""


def f(world):
    got = []
    import atexit, threading, time

    atexit.register(time.sleep, 1000)
    threading.Thread(target=time.sleep, args=(1000,)).start()
    return got
