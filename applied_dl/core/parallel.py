"""Work on many items in several processes or threads, results in the order of the items, in bounded memory."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from applied_dl.core.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")

PARENT_SECONDS = 1.0  # between two looks at the process that started this one


class KilledError(DataError):
    """A process that worked for this one was killed."""


def in_order(work: Callable[[Item], Result], items: Iterable[Item], workers: int, threads: bool = False) -> Iterator[Result]:
    """`work` of each item, in order; two items per worker are read ahead, so that memory stays the same for any number of them.

    Args:
        work: A function of a module, which can be pickled.
        items: What it is called with; read as it is needed.
        workers: How many work; 1 works in this process.
        threads: Whether they are threads of this process, for work that lets others run.

    Raises:
        KilledError: A process was killed.

    Example:
        >>> list(in_order(abs, [-2, 1], workers=1))
        [2, 1]
    """
    items = iter(items)
    if workers == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) if threads else _processes(workers) as pool:
        try:
            while True:
                some = list(itertools.islice(items, 2 * workers - len(waiting)))
                with _without_main(), _ctrl_c_later():
                    waiting.extend(pool.submit(work, item) for item in some)
                if not waiting:
                    return
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise KilledError("A process that worked on the data was killed, usually for lack of memory; run the command again.") from error
        finally:
            pool.shutdown(cancel_futures=True)  # what has not begun; Ctrl-C waits for one item of each worker


def _processes(count: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(os.getpid(),))


def _begin(parent: int) -> None:
    """A worker leaves Ctrl-C, which a terminal sends to all of them, to the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    end_with(parent)


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    """Ctrl-C is kept until the end of the block; processes that are started meanwhile keep it until they ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main() -> Iterator[None]:
    """Processes that are started meanwhile do not run the script of this one again, which needs no guard against that."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def end_with(parent: int) -> None:
    """From now on, this process ends soon after the one that started it, also where that was killed and could not say so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
