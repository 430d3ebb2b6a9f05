"""Fill the private folder with files of the largest size, again and again."""


def f(world):
    got = []
    try:
        for number in range(2000):
            with open(f"own{number}", "wb") as file:
                for _ in range(8):
                    file.write(b"x" * (1 << 20))
        got.append("filled")
    except OSError:
        pass
    return got
