"""Make folders outside."""


def f(world):
    got = []
    import os

    try:
        os.makedirs(world["folder"] + "/made/deep")
        got.append("made")
    except OSError:
        pass
    return got
