"""Start workers."""


def f(world):
    got = []
    import multiprocessing

    try:
        worker = multiprocessing.get_context("fork").Process(target=print)
        worker.start()
        got.append("started")
    except OSError:
        pass
    return got
