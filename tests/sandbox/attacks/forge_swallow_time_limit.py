"""Ask for as long as it takes, then return something."""

import time


def f(x):
    end = time.time() + 5
    while time.time() < end:
        try:
            time.sleep(0.1)
        except BaseException:
            pass
    return 0
