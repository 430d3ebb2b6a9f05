"""Never return."""


def f(world):
    got = []
    while True:
        pass
    return got
