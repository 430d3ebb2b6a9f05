"""Write 64 MB to a file of one's own."""


def f(world):
    got = []
    try:
        with open("/tmp/" + world["name"], "wb") as file:
            for _ in range(64):
                file.write(b"x" * (1 << 20))
        got.append("filled")
    except OSError:
        pass
    return got
