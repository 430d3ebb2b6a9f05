"""Make an IPv6 socket."""


def f(world):
    got = []
    import socket

    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        got.append("made")
    except OSError:
        pass
    return got
