"""Ask a name server, carrying data in the name."""


def f(world):
    got = []
    import socket

    try:
        got.append(socket.gethostbyname("data.example.com"))
    except OSError:
        pass
    return got
