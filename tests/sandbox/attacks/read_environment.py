"""Look for the caller's API keys in the environment."""


def f(world):
    got = []
    import os

    got += [name for name in os.environ if "KEY" in name or "TOKEN" in name or name == world["variable"]]
    return got
