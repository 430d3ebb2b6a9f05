"""Take memory in several threads."""


def f(world):
    got = []
    import threading

    pieces = []

    def take():
        try:
            for _ in range(6):
                pieces.append(bytearray(1 << 26))
        except MemoryError:
            pass

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(pieces) > 16:
        got.append(len(pieces))
    return got
