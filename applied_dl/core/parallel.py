"""Work on many items in several processes, results in the order of the items, in bounded memory."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

PARENT_SECONDS = 1.0  # between two looks at the process that started this one


def in_order(work: Callable[[Item], Result], items: Iterable[Item], processes: int) -> Iterator[Result]:
    """`work` of each item, in order; two items per process are read ahead, so that memory stays the same for any number of them.

    Args:
        work: A function that can be pickled.
        items: What it is called with; read as it is needed.
        processes: How many work; 1 works in this process.

    Raises:
        concurrent.futures.process.BrokenProcessPool: A process was killed.

    Example:
        >>> list(in_order(abs, [-2, 1], processes=1))
        [2, 1]
    """
    items = iter(items)
    if processes == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(
        processes, mp_context=multiprocessing.get_context("spawn"), initializer=end_with, initargs=(os.getpid(),)
    ) as pool:
        try:
            while True:
                waiting.extend(pool.submit(work, item) for item in itertools.islice(items, 2 * processes - len(waiting)))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def end_with(parent: int) -> None:
    """From now on, this process ends soon after the one that started it, also where that was killed and could not say so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
