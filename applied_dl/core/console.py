"""Progress for people: short plain lines on stderr, a live bar only on a terminal. Results go to stdout, never here."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS, REDRAWN = 10.0, 0.2  # between two lines of a count, and between two drawings of it on a terminal
WIDTH = 24  # characters of its bar

quiet = False
_redirecting = threading.Lock()


def say(step: str, text: str) -> None:
    """One line of progress: the step of the pipeline, then what happened (`data      1,797 images, 10 classes`)."""
    if not quiet:
        print(f"{step:<9} {text}", file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """A warning; shown even when quiet."""
    print(f"{'warning':<9} {text}", file=sys.stderr, flush=True)


def live() -> bool:
    """Whether a progress bar that redraws itself may be shown."""
    return sys.stderr.isatty() and not quiet and "NO_COLOR" not in os.environ


@contextmanager
def quieter(silent: bool = True) -> Iterator[None]:
    """Print no progress within the block; warnings are printed all the same."""
    global quiet
    before = quiet
    quiet = quiet or silent
    try:
        yield
    finally:
        quiet = before


@contextmanager
def timed(step: str, text: str) -> Iterator[None]:
    """Print `text` with the seconds that the block took."""
    start = time.perf_counter()
    yield
    say(step, f"{text} in {time.perf_counter() - start:.1f} s")


@contextmanager
def counting(step: str, unit: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show how many are done and how fast: a bar on a terminal, a line every ten seconds elsewhere; nothing where it takes less.

    Args:
        step: of the pipeline.
        unit: what is counted, such as "images".
        total: how many there are; None where that is not known.

    Example:
        >>> with counting("decode", "images", 3) as count:
        ...     for image in range(3):
        ...         count(1)
    """
    start = shown = time.perf_counter()
    bar, done = live(), 0

    def count(more: int) -> None:
        nonlocal done, shown
        done, now = done + more, time.perf_counter()
        if now - shown < (REDRAWN if bar else SECONDS):
            return
        shown, speed = now, done / (now - start)
        text = f"{done:,}{f' of {total:,}' if total else ''} {unit}, {speed:,.0f} a second"
        text += f", {(total - done) / speed:.0f} s left" if total and speed else ""
        if bar:
            full = WIDTH * done // total if total else 0
            drawn = f"{'━' * full}{' ' * (WIDTH - full)} " if total else ""
            print(f"\r{step:<9} {drawn}{text}\x1b[K", end="", file=sys.stderr, flush=True)
        else:
            say(step, text)

    try:
        yield count
    finally:
        if bar and shown != start:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def hushed() -> Iterator[None]:
    """Discard what C++ libraries print on stderr while they load. Python's exceptions still pass."""
    with _redirecting:
        sys.stderr.flush()
        kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nothing)
