"""Open devices."""


def f(world):
    got = []
    for path in ("/dev/mem", "/dev/kmsg", "/dev/tty", "/dev/vda", "/dev/sda", "/dev/fuse", "/dev/net/tun", "/dev/ptmx"):
        try:
            open(path, "rb").close()
            got.append(path)
        except OSError:
            pass
    return got
