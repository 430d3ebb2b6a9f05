"""Start threads without end (a thousand here)."""


def f(world):
    got = []
    import threading, time

    count = 0
    try:
        for _ in range(1000):
            threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
            count += 1
        got.append(count)
    except (RuntimeError, MemoryError):
        pass
    return got
