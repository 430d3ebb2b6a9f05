"""Write a file outside."""


def f(world):
    got = []
    try:
        open(world["folder"] + "/written", "w").write("x")
        got.append("written")
    except OSError:
        pass
    return got
