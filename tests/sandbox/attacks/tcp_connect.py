"""Connect to a server on this machine."""


def f(world):
    got = []
    import socket

    try:
        socket.create_connection(("127.0.0.1", world["tcp"]), 1).sendall(b"x")
        got.append("connected")
    except OSError:
        pass
    return got
