"""What every training records, whatever its steps are: history, best weights, early stopping, progress, checkpoints and Ctrl-C.

Imports neither Keras nor TensorFlow: word vectors are trained without them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import numpy as np

from applied_dl.core import console
from applied_dl.core.errors import DataError
from applied_dl.core.records import EXPLODED, STOPPED, TIME_UP, History, rises
from applied_dl.core.task import Loop
from applied_dl.training.checkpoints import Keeper
from applied_dl.training.progress import Progress


class Session:
    """One training of a `Loop`. The loop calls `record` after each epoch and `checkpoint` where it can be resumed.

    `end`: the `time.perf_counter()` past which no further epoch is begun.
    """

    def __init__(
        self,
        loop: Loop,
        keeper: Keeper,
        tag: str,
        on_epoch: tuple[Callable[[str, History], None], ...] = (),
        keep_interrupted: bool = True,
        end: float | None = None,
    ):
        self.loop, self.keeper, self.tag, self.on_epoch, self.keep_interrupted = loop, keeper, tag, on_epoch, keep_interrupted
        self.end = float("inf") if end is None else end
        self.history = History(monitor=loop.monitor, rising=loop.rising)
        self.best_weights: list[np.ndarray] | None = None
        self.waited, self.finished = 0, False
        self.progress = Progress(loop.epochs, loop.monitor, *loop.speed)

    def run(self) -> History:
        """Resume from the checkpoint, if there is one, take the remaining steps, and keep the best weights."""
        self._restore()
        if not self.finished and self.loop.done < self.loop.total:
            with self.progress.shown(first=len(self.history.rows)):
                try:
                    self.loop.run(self)
                except KeyboardInterrupt:
                    if self.best_weights is None or not self.keep_interrupted:
                        raise  # nothing is worth keeping yet, or the whole search is to end
                    self.history.stopped = STOPPED
                    console.say("stopped", "by hand; the best weights so far are kept")
        self.loop.finish(self.best_weights)
        return self.history

    def record(self, row: dict[str, float]) -> bool:
        """Add the row of an epoch to the history. Returns whether the training ends here.

        Raises `DataError` where the loss is not finite and there are no earlier weights to keep.
        """
        if not np.isfinite(row.get("loss", 0.0)):
            self._exploded(row["loss"])
            return True
        history, epoch = self.history, len(self.history.rows) + 1
        row = {"epoch": epoch, **row}
        history.rows.append(row)
        history.seconds += row["seconds"]
        score = row[history.monitor]
        if self.loop.last_is_best or better(history, score):
            history.best, history.best_epoch, self.waited = float(score), epoch, 0
            self.best_weights = self.loop.weights()
        else:
            self.waited += 1
            if self.loop.patience and self.waited >= self.loop.patience:
                history.stopped = f"no better {history.monitor} for {self.loop.patience} epochs"
                self.finished = True
        if time.perf_counter() + row["seconds"] > self.end and not self.finished and epoch < self.loop.epochs:
            self.stop(TIME_UP)
        self.progress.epoch(row)
        for call in self.on_epoch:
            call(self.tag, history)
        return self.finished

    def checkpoint(self) -> None:
        """Write the state if a checkpoint is due or this is the last one."""
        last = self.finished or self.loop.done >= self.loop.total
        if not self.keeper.due(last):
            return
        arrays, notes = self.loop.state()
        if self.best_weights is not None and not self.loop.last_is_best:
            arrays = {**arrays, "best": self.best_weights}
        own = {"history": msgspec.to_builtins(self.history), "waited": self.waited, "finished": last, "loop": notes}
        self.keeper.write(self.loop.done, arrays, own)

    def stop(self, why: str) -> None:
        """End the training for a reason that is not the history's, such as a callback that asks for it."""
        self.history.stopped, self.finished = why, True

    def _restore(self) -> None:
        found = self.keeper.read()
        if found is None:
            return
        done, arrays, notes = found
        self.best_weights = arrays.pop("best", None)
        self.loop.restore(done, arrays, notes["loop"])
        self.waited, self.finished = notes["waited"], notes["finished"]
        self.history = msgspec.convert(notes["history"], History)
        for row in self.history.rows:
            row["epoch"] = int(row["epoch"])  # JSON made it a float; the history of a resumed run is written like any other
        if self.loop.last_is_best and self.history.rows:
            self.best_weights = self.loop.weights()

    def _exploded(self, loss: float) -> None:
        """Keep the best weights of the epochs before, if there are any."""
        what = f"training loss became {loss} in epoch {len(self.history.rows) + 1}"
        if self.best_weights is None:
            raise DataError(f"The {what}: expected finite numbers; {self.loop.remedy}, and look for extreme values in the data.")
        console.warn(f"the {what}; the best weights before it are kept: {self.loop.remedy}, and look for extreme values in the data")
        self.stop(EXPLODED)


def better(history: History, score: float) -> bool:
    """Whether `score` beats the best of a history (NaN: nothing yet) in the direction of the monitored quantity."""
    if np.isnan(history.best):
        return True
    return score > history.best if history.rising or rises(history.monitor) else score < history.best
