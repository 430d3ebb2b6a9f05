"""Chunks of rows to several processes and back, in order, few of them at a time."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

Chunk = TypeVar("Chunk")
Made = TypeVar("Made")
AHEAD = 2
"""Chunks that wait for each process: what bounds the memory."""
_function: Callable[[Any], Any]


def spread(function: Callable[[Chunk], Made], chunks: Iterable[Chunk], workers: int) -> Iterator[Made]:
    """Apply a function to chunks.

    Args:
        function: Can be pickled; each process gets a copy once.
        chunks: Read as results are taken.
        workers: Processes; 1 stays in this one.

    Yields:
        Results in the order of the chunks.
    """
    if workers == 1:
        yield from map(function, chunks)
        return
    waiting: deque[Future[Made]] = deque()
    # Not forked: this process has threads of torch and of the tokenizer.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start, initargs=(function,))
    try:
        for chunk in chunks:
            waiting.append(pool.submit(_apply, chunk))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _start(function: Callable[[Any], Any]) -> None:
    global _function
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # processes are what is parallel
    _function = function


def _end_with_parent() -> None:
    """Leave when the process that asked is gone: killed, it cannot say so, and its queue would be waited for."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _apply(chunk: Any) -> Any:
    return _function(chunk)
