"""Talk to a service by an abstract Unix socket."""


def f(world):
    got = []
    import socket

    try:
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect("\0" + world["abstract"])
        got.append("connected")
    except OSError:
        pass
    return got
