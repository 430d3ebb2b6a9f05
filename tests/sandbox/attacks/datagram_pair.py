"""Send from one end of a socket pair to a service."""


def f(world):
    got = []
    import socket

    try:
        left, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        left.sendto(b"x", world["unix"])
        got.append("sent")
    except OSError:
        pass
    return got
