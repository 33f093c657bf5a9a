"""Trainings of one process that another one takes over: each writes a result, the weights and the history of a model, and is read there.

`fit` runs in both processes. Where a training has a result, the model gets its weights and no step is taken, so that everything around the
trainings (stages, members, blends, closed forms) is one implementation, and the model that is exported is built by the exporting backend.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from applied_dl.core.errors import RefusedError, UsageError
from applied_dl.core.records import History
from applied_dl.core.task import Loop, Trainer
from applied_dl.training.trainer import CheckpointingTrainer


@dataclass(frozen=True)
class RecordedTrainer(Trainer):
    """Returns what was trained before; what was not is trained by `inner`, or refused where `trains` is False.

    Args:
        inner: has a store, in whose folder the results are.
        trains: whether this process trains.
        writes: whether this process writes results: one of those that train together does.
        interrupted: the training was stopped by hand, and what it did not come to ends here as it did there.
    """

    inner: CheckpointingTrainer
    trains: bool = True
    writes: bool = True
    interrupted: bool = False

    def train(self, model, source, validation, settings, *, tag="model", **options) -> History:
        """See `core.task.Trainer.train`."""
        file = self.inner.store.folder / "results" / f"{tag}.npz"
        if file.exists():
            return _read(file, model)
        if self.interrupted:
            raise KeyboardInterrupt
        if not self.trains:
            raise RefusedError(f"The training {tag!r} has no result at {str(file)!r}; run the command again with --resume.")
        history = self.inner.train(model, source, validation, settings, tag=tag, **options)
        if self.writes:
            _write(file, model, history)
        return history

    def run(self, loop: Loop, tag: str = "model") -> History:
        """Raises `UsageError`: other steps than those of Keras are TensorFlow's."""
        raise UsageError(f"train.backend = 'jax' and --workers have no meaning for a model that takes {loop.steps}; remove them.")

    def starting_from(self, weights: list[np.ndarray]) -> RecordedTrainer:
        """The same trainer, whose models begin with these weights."""
        return replace(self, inner=self.inner.starting_from(weights))

    def turns(self, count: int, name: str) -> Iterator[Trainer]:
        """See `core.task.Trainer.turns`."""
        for turn in self.inner.turns(count, name):
            yield replace(self, inner=turn)


def _write(file: Path, model, history: History) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    work = file.with_suffix(".part")
    note = np.frombuffer(json.dumps(msgspec.to_builtins(history)).encode(), np.uint8)  # Python's JSON keeps NaN
    with work.open("wb") as out:
        np.savez(out, *model.get_weights(), history=note)
    os.replace(work, file)


def _read(file: Path, model) -> History:
    with np.load(file, allow_pickle=False) as found:
        model.set_weights([found[f"arr_{i}"] for i in range(len(found.files) - 1)])
        history = msgspec.convert(json.loads(found["history"].tobytes()), History)
    for row in history.rows:
        row["epoch"] = int(row["epoch"])
    return history
