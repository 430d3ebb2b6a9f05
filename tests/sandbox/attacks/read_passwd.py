"""Read the list of users and the host's name files."""


def f(world):
    got = []
    for path in ("/etc/passwd", "/etc/hostname", "/etc/shadow", "/root/.bashrc", "/home"):
        try:
            got.append(open(path).read()[:10])
        except OSError:
            pass
    return got
