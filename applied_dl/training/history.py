"""What a training is given to work in, and what it leaves behind. Imports neither Keras nor TensorFlow: word vectors train without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

if TYPE_CHECKING:
    import keras

    from applied_dl.training.lr_finder import Suggestion

STOPPED = "stopped by hand"
EXPLODED = "the loss was no number"


class History(Struct, kw_only=True):
    """What happened: one row an epoch (`epoch`, `loss`, metrics, `val_*`, `learning_rate`, `seconds`)."""

    rows: list[dict[str, float]] = field(default_factory=list)
    monitor: str = "val_loss"
    best_epoch: int = 0
    best: float = float("nan")
    stopped: str = "all epochs done"
    seconds: float = 0.0


class Fitted(NamedTuple):
    """A trained graph (best weights), its history, and whatever the task needs to build its serving graph."""

    model: keras.Model
    history: History
    extra: dict = {}


class Workspace(NamedTuple):
    """Where an unfinished run keeps its state; `identity` (recipe, data) must match for `resume`.

    Where `trial` is a list, `fit` only times a few steps and appends the seconds that the whole would take (`--dry-run`); where `sweep`
    is a list, it only runs the learning-rate finder and appends its suggestion (`lr-find`); where `examine` is a function, `fit` hands
    its arguments to it and returns its history (`doctor`). `watch` is told of every epoch (`tune`); without `keeps` no checkpoint is
    written.
    """

    folder: Path
    identity: dict[str, str]
    resume: bool = False
    trial: list[float] | None = None
    sweep: list[tuple[str, float | str, Suggestion]] | None = None
    examine: Callable[..., History] | None = None
    watch: Callable[[History], None] | None = None
    keeps: bool = True
