"""Slow others down: raise one's priority, pin them to a processor."""


def f(world):
    got = []
    import os

    for call in (
        lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
        lambda: os.sched_setaffinity(0, {0}),
        lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        lambda: os.setpriority(os.PRIO_PROCESS, world["victim"], 19),
    ):
        try:
            call()
            got.append("changed")
        except OSError:
            pass
    return got
