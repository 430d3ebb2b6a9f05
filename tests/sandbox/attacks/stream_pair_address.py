"""Send to an address from a connected pair."""


def f(world):
    got = []
    import socket

    left, _ = socket.socketpair()
    try:
        left.sendto(b"x", "\0" + world["abstract"])
        got.append("sent")
    except OSError:
        pass
    try:
        left.connect("\0" + world["abstract"])
        got.append("connected")
    except OSError:
        pass
    return got
