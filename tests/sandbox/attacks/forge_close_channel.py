"""Close every descriptor."""

import os


def f(x):
    os.closerange(0, 256)
    return 0
