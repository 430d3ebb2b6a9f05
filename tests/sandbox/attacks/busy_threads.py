"""Never return, in many threads."""


def f(world):
    got = []
    import threading

    def spin():
        while True:
            pass

    for _ in range(16):
        threading.Thread(target=spin, daemon=True).start()
    spin()
    return got
