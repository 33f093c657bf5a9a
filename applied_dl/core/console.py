"""Progress for people: short plain lines on stderr, a live bar only on a terminal. Results never go here."""

import os
import sys
import threading
import time
from contextlib import contextmanager

quiet = False
_redirecting = threading.Lock()


def say(step: str, text: str) -> None:
    """One line of progress: the step of the river, then what happened (`data      1,797 images, 10 classes`)."""
    if not quiet:
        print(f"{step:<9} {text}", file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """A line the user should read; shown even when quiet."""
    print(f"{'warning':<9} {text}", file=sys.stderr, flush=True)


def live() -> bool:
    """Whether a bar that redraws itself is welcome."""
    return sys.stderr.isatty() and not quiet and "NO_COLOR" not in os.environ


@contextmanager
def timed(step: str, text: str):
    """Say `text` with its seconds when the block ends."""
    start = time.perf_counter()
    yield
    say(step, f"{text} in {time.perf_counter() - start:.1f} s")


@contextmanager
def hushed():
    """Keep what C++ libraries announce on stderr while they load from people's terminals. Python's errors still pass."""
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
