"""Talk to a service by a Unix socket."""


def f(world):
    got = []
    import socket

    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            socket.socket(socket.AF_UNIX, kind).connect(world["unix"])
            got.append("connected")
        except OSError:
            pass
    return got
