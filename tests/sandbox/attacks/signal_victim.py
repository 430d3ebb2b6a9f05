"""Stop another process."""


def f(world):
    got = []
    import os, signal

    try:
        os.kill(world["victim"], signal.SIGTERM)
        got.append("signalled")
    except OSError:
        pass
    return got
