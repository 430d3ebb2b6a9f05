"""Use up inodes."""


def f(world):
    got = []
    import os

    try:
        for number in range(1_000_000):
            os.close(os.open(f"/tmp/{world['name']}{number}", os.O_CREAT | os.O_WRONLY))
        got.append("made")
    except OSError:
        pass
    return got
