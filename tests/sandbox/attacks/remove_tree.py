"""Remove a folder outside with all that is in it (the test looks whether it is still there)."""


def f(world):
    import shutil

    shutil.rmtree(world["folder"], ignore_errors=True)
    return []
