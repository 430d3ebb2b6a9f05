"""Talk to the kernel by netlink, packet and key sockets."""


def f(world):
    got = []
    import socket

    for family in (16, 17, 15, 38, 40):
        try:
            socket.socket(family, socket.SOCK_RAW)
            got.append(family)
        except OSError:
            pass
    return got
