"""Progress of a training on stderr: a live bar on a terminal, a bounded number of plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from applied_dl.core import console

PLAIN_LINES = 12  # at most about this many epoch lines where there is no terminal
SILENCE = 30.0  # seconds after which a long epoch shows how far it is


class Progress:
    """Shows loss, validation metric, speed and time left.

    Args:
        epochs: of the whole training.
        monitor: the score beside the loss.
        size: rows (or words) of an epoch; 0 shows no speed.
        unit: their name.
    """

    def __init__(self, epochs: int, monitor: str, size: int = 0, unit: str = ""):
        self.epochs, self.monitor, self.size, self.unit = epochs, monitor, size, unit
        self.every = max(1, -(-epochs // PLAIN_LINES))
        self.bar, self.task, self.first, self.done = None, None, 0, 0
        self.last_line = time.perf_counter()

    @contextmanager
    def shown(self, first: int) -> Iterator[None]:
        """Show the progress of a training that begins at epoch `first` (from 0)."""
        self.first = self.done = first
        self.last_line = time.perf_counter()
        if not console.live():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[score]}"), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as self.bar:
            self.task = self.bar.add_task("training", total=float(self.epochs - first), score="")
            yield
        self.bar = None

    def within(self, share: float, loss: float = float("nan"), seconds: float = 0.0) -> None:
        """Show that a share (0..1) of the present epoch is done, `seconds` into it."""
        if self.bar:
            self.bar.update(self.task, completed=self.done - self.first + share, description=f"epoch {self.done + 1}/{self.epochs}")
        elif seconds and time.perf_counter() - self.last_line > SILENCE:
            self._line(f"{share:.0%} of it   loss {loss:.4f}", share, seconds)

    def epoch(self, row: dict[str, float]) -> None:
        """Show the row of an epoch that ended."""
        self.done += 1
        score = f"loss {row.get('loss', float('nan')):.4f}"
        if self.monitor in row and self.monitor != "loss":
            score += f"  {self.monitor.replace('_', ' ')} {row[self.monitor]:.4f}"
        if self.bar:
            self.bar.update(self.task, completed=self.done - self.first, score=score)
        elif self.done % self.every == 0 or self.done == self.epochs or self.done == self.first + 1:
            self._line(score, 1.0, row["seconds"])

    def _line(self, text: str, share: float, seconds: float) -> None:
        done = self.done if share == 1 else self.done + share
        left = (self.epochs - done) * seconds / share
        traced = done - self.first > 1 or self.size  # the first epoch of a Keras training includes tracing
        speed = f"   {share * self.size / max(seconds, 1e-9):,.0f} {self.unit}/s" if self.size else ""
        rest = f"   {left:.0f} s left" if left >= 1 and traced else ""
        console.say(f"epoch {self.done + (share < 1)}", f"{text}{speed}{rest}")
        self.last_line = time.perf_counter()
