"""Fill /dev/shm."""


def f(world):
    got = []
    try:
        with open("/dev/shm/" + world["name"], "wb") as file:
            for _ in range(32):
                file.write(b"x" * (1 << 20))
        got.append("filled")
    except OSError:
        pass
    return got
