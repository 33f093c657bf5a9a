"""Progress for people: short plain lines on stderr, a live bar only on a terminal. Results go to stdout, never here."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

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
