"""Raise one's limits."""


def f(world):
    got = []
    import resource

    for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        try:
            resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            got.append(kind)
        except (OSError, ValueError):
            pass
    return got
