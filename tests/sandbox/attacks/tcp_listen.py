"""Listen for connections."""


def f(world):
    got = []
    import socket

    try:
        socket.create_server(("127.0.0.1", 0))
        got.append("listening")
    except OSError:
        pass
    return got
