"""Progress of a fit on stderr: a live bar on a terminal, a bounded number of plain lines elsewhere."""

from __future__ import annotations

import time

import keras

from applied_dl.core import console

PLAIN_LINES = 12  # at most about this many epoch lines where there is no terminal


class Progress(keras.callbacks.Callback):
    """Says loss, validation metric and time left. Reads logs, changes nothing."""

    def __init__(self, epochs: int, steps: int, first_epoch: int, monitor: str):
        super().__init__()
        self.epochs, self.steps, self.first, self.monitor = epochs, steps, first_epoch, monitor
        self.every = max(1, -(-epochs // PLAIN_LINES))
        self.bar = self.job = None

    def on_train_begin(self, logs=None):
        self.done, self.epoch_seconds = 0, 0.0
        if console.live():
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[score]}"), TimeRemainingColumn())
            from rich.console import Console

            self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self.bar.start()
            total = (self.epochs - self.first) * self.steps
            self.job = self.bar.add_task("training", total=total, score="")

    def on_train_batch_end(self, batch, logs=None):
        if self.bar:
            done = (self._epoch - self.first) * self.steps + batch + 1
            self.bar.update(self.job, completed=done, description=f"epoch {self._epoch + 1}/{self.epochs}")

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self.epoch_start = epoch, time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.done, self.epoch_seconds = self.done + 1, time.perf_counter() - self.epoch_start  # the first also traces
        logs = logs or {}
        score = f"loss {logs.get('loss', float('nan')):.4f}"
        if self.monitor in logs:
            score += f"  {self.monitor.replace('_', ' ')} {logs[self.monitor]:.4f}"
        if self.bar:
            self.bar.update(self.job, score=score)
        elif (epoch + 1) % self.every == 0 or epoch + 1 == self.epochs or epoch == self.first:
            left = self.epoch_seconds * (self.epochs - epoch - 1)
            console.say(f"epoch {epoch + 1}", f"{score}   {left:.0f} s left" if left >= 1 and self.done > 1 else score)

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        if self.bar:
            self.bar.stop()
            self.bar = None
