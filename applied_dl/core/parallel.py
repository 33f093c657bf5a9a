"""Work on many items in several processes, results in the order of the items, in bounded memory."""

from __future__ import annotations

import itertools
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


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
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            while True:
                waiting.extend(pool.submit(work, item) for item in itertools.islice(items, 2 * processes - len(waiting)))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
