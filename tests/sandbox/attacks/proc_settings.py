"""Change kernel settings."""


def f(world):
    got = []
    for path in ("/proc/sys/kernel/hostname", "/proc/self/oom_score_adj", "/proc/self/loginuid", "/proc/sysrq-trigger"):
        try:
            open(path, "a").close()
            got.append(path)
        except OSError:
            pass
    return got
