"""Link a file outside to a place of one's own."""


def f(world):
    got = []
    import os

    for place in ("/tmp/hard", world["folder"] + "/hard"):
        try:
            os.link(world["secret"], place)
            got.append(place)
        except OSError:
            pass
    return got
