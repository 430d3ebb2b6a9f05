"""Change the installed packages, so that a later program runs this one's code."""


def f(world):
    got = []
    import os, random

    for folder in (os.path.dirname(random.__file__), os.path.dirname(os.path.dirname(__import__("numpy").__file__))):
        try:
            open(folder + "/planted_by_an_attack_test.py", "w").close()
            os.remove(folder + "/planted_by_an_attack_test.py")
            got.append(folder)
        except OSError:
            pass
    return got
