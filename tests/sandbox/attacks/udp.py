"""Send a datagram."""


def f(world):
    got = []
    import socket

    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", world["udp"]))
        got.append("sent")
    except OSError:
        pass
    return got
