"""The contract of a task, as types: what `tasks/<name>/task.py` and `tasks/<name>/predict.py` must define, and how a task is trained.

core imports neither Keras nor the folders above it, so a few types are aliases of `Any` that say what is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from applied_dl.core.bundle import Manifest
from applied_dl.core.column_reports import ColumnReport
from applied_dl.core.records import Fitted, History, Part, Prepared, Scores

KerasModel: TypeAlias = Any  # keras.Model
Source: TypeAlias = Any  # training.source.Source: row numbers to batches
ServingGraph: TypeAlias = Any  # export.serving.Serving
Encoded: TypeAlias = Any  # runtime.interpreter.Encoded: inputs of the graph, and a sentence for each input that cannot be read
Recipe: TypeAlias = Any  # tasks.<name>.recipe.Recipe
Train: TypeAlias = Any  # its [train] section, with every value resolved
TaskCard: TypeAlias = Any  # report.card.TaskCard: what a task contributes to the model card
Encoder: TypeAlias = Any  # tasks.<name>.encoder: TF-free, written to encoder.json


class Pace(NamedTuple):
    """How fast a training is, in seconds.

    Args:
        start: before its first epoch (the graph is traced).
        step: of one step.
        steps: how many an epoch has.
        between: after an epoch (validation).
    """

    start: float
    step: float
    steps: int
    between: float = 0.0

    @property
    def epoch(self) -> float:
        """Of one epoch."""
        return self.steps * self.step + self.between


class Loop(Protocol):
    """Training steps of any kind; what to record, when to stop and what to keep is decided by `training.session.Session`.

    `run` takes the steps from epoch `len(session.history.rows)` on. After each epoch it calls `session.record(row)`, which returns whether
    the training ends, and then `session.checkpoint()`. `done` and `total` count what a checkpoint counts (`unit`: epochs, or smaller
    parts of them).
    """

    epochs: int
    patience: int  # epochs without a better score before the training stops; 0 never stops early
    monitor: str
    rising: bool  # a larger `monitor` is better, though it is none of the metrics of `core.metrics`
    last_is_best: bool  # the last epoch is kept rather than the one with the best score
    checkpoint_minutes: float
    unit: str
    done: int
    total: int
    speed: tuple[int, str]  # rows per epoch and their name, for the progress lines; (0, "") shows none
    steps: str  # what its steps are, to end the sentence "... takes": shown where the learning-rate finder has no use for them
    remedy: str  # what to do where the loss is not finite

    def run(self, session: Any) -> None:
        """Take every step that is left."""

    def weights(self) -> list[np.ndarray]:
        """The weights to keep if this epoch is the best."""

    def state(self) -> tuple[dict[str, list[np.ndarray]], dict[str, Any]]:
        """Arrays and JSON notes from which `restore` continues to the same bits."""

    def restore(self, done: int, arrays: dict[str, list[np.ndarray]], notes: dict[str, Any]) -> None:
        """Put a state back."""

    def finish(self, best: list[np.ndarray] | None) -> None:
        """Leave the model with the best weights."""

    def pace(self) -> Pace:
        """How fast it is, measured on a few steps, which change its state."""

    def shorten(self, epochs: int) -> None:
        """Plan for this many epochs instead: the learning rate ends with them. Called before the first step."""


class Trainer(Protocol):
    """What `fit` hands its models to.

    `CheckpointingTrainer` trains. `Timer` (dry run), `RateFinder` and `Diagnoser` measure with the same methods, and return a history
    without rows.
    """

    def train(
        self,
        model: KerasModel,
        source: Source,
        validation: Source | None,
        settings: Train,
        *,
        loss: Any,
        metrics: tuple[Any, ...] = (),
        monitor: str = "val_loss",
        rising: bool = False,
        augment: Callable[..., Any] | None = None,
        rates: dict[str, float] | None = None,
        tag: str = "model",
    ) -> History:
        """Train `model` in place by Keras `fit` and leave it with the weights of its best epoch by `monitor`.

        Args:
            model: inputs by name.
            source: the training rows.
            validation: the rows that choose the epoch; None monitors the training loss.
            settings: the resolved `[train]` section.
            loss: a Keras loss.
            metrics: Keras metrics.
            monitor: the name of the score in the history that chooses the best epoch.
            rising: a larger one is better, though it is none of the metrics of `core.metrics`.
            augment: `(inputs, target, seed int32 (2,)) -> (inputs, target)` on a batch, in the graph and stateless.
            rates: learning-rate factors by prefix of the variable path (discriminative rates).
            tag: the name of this training among those of one `fit`; checkpoints and reports carry it.
        """

    def run(self, loop: Loop, tag: str = "model") -> History:
        """Train by steps that are not Keras `fit`."""

    def starting_from(self, weights: list[np.ndarray]) -> Trainer:
        """A trainer whose models begin with these weights."""
        return self

    def turns(self, count: int, name: str) -> Iterator[Trainer]:
        """A trainer for each of `count` parts of the training that follow each other (members, folds, stages), called `name`.

        Fewer than `count`, but at least one, where `train.time_limit` leaves no time for another part.
        """
        for _ in range(count):
            yield self

    @contextmanager
    def preparing(self, size: int, sample: int) -> Iterator[int]:
        """Wrap work before the first step whose cost grows with its `size` rows; yields how many of them to work on.

        All of them, except in a dry run, which measures `sample` rows.
        """
        yield size


class Task(Protocol):
    """The functions of `tasks/<name>/task.py`."""

    trained_by_keras: bool  # False: trained without TensorFlow, which is loaded for the export alone

    def prepare(self, recipe: Recipe, cache: Path) -> Prepared:
        """Read, split, and fit the encoder on training rows."""

    def resolve_defaults(self, recipe: Recipe, prepared: Prepared) -> Recipe:
        """Choose every open value of the recipe for the data."""

    def smaller_models(self, recipe: Recipe, prepared: Prepared) -> list[dict[str, Any]]:
        """Keys of smaller models than that of a recipe as the user wrote it, by dotted name and the largest first, for `export.budget`.

        What the user set stays.
        """

    def build(self, recipe: Recipe, prepared: Prepared) -> KerasModel:
        """The untrained model."""

    def fit(self, recipe: Recipe, prepared: Prepared, trainer: Trainer) -> Fitted:
        """Train by `trainer`."""

    def serving(self, recipe: Recipe, fitted: Fitted, prepared: Prepared) -> ServingGraph:
        """The graph that is exported: preprocessing, model, calibration, units.

        Outputs beside the answer, both float32: `set` (B, C), 1 for the labels of the conformal set; `distance` (B, 1), above 1 where a row
        is unlike the training data (`exporting.answers`).
        """

    def restore_serving(self, recipe: Recipe, model: KerasModel, encoder: Encoder) -> ServingGraph:
        """The serving graph of a saved model."""

    def score(self, recipe: Recipe, outputs: dict[str, np.ndarray], part: Part, encoder: Encoder, metrics_only: bool = False) -> Scores:
        """The metrics of the serving graph's outputs on a part; `metrics_only` leaves out bootstrap intervals and slices."""

    def baselines(self, recipe: Recipe, prepared: Prepared) -> dict[str, Scores]:
        """Scores on the test rows of simple methods fitted on the training rows."""

    def plots(self, recipe: Recipe, prepared: Prepared, fitted: Fitted, outputs: dict[str, np.ndarray], folder: Path) -> dict[str, Any]:
        """Draw into `folder`; facts for the card."""

    def describe_card(self, manifest: Manifest) -> TaskCard:
        """The words of the model card that are special to the task."""

    def worst_examples(
        self, outputs: dict[str, np.ndarray], part: Part, encoder: Encoder, facts: dict[str, Any]
    ) -> list[dict[str, str | float]]:
        """The test rows with the largest errors, as rows of a table; empty where a plot shows them. `facts` are those of `plots`."""

    def preview(self, recipe: Recipe, prepared: Prepared, path: Path) -> str:
        """The first batch as text, drawn to `path` where it is images."""

    def load_labeled(self, recipe: Recipe, encoder: Encoder, source: str) -> Part:
        """Another labeled source through the fitted encoder."""

    def describe_data(self, prepared: Prepared) -> list[ColumnReport]:
        """How each column was understood, for `applied-dl inspect`."""

    def save_encoder(self, encoder: Encoder, folder: Path) -> None:
        """Write encoder.json (and encoder.npz)."""

    def load_encoder(self, folder: Path) -> Encoder:
        """Read it again."""


class TaskPredict(Protocol):
    """The functions of `tasks/<name>/predict.py`, which import neither TensorFlow nor Keras."""

    AT_ONCE: int | None  # inputs that are encoded before they are predicted; None takes all at once
    INPUT: str  # what one input is: "image", "row", "text", or "history" (a pandas series is one, and `predict --out` continues its table)

    def load_encoder(self, folder: Path) -> Encoder:
        """Read the encoder of a bundle."""

    def expand_inputs(self, arguments: list[str]) -> Any:
        """The inputs that the arguments of the command line name: files, folders, tables, or the texts themselves."""

    def input_batches(self, arguments: list[str]) -> Iterator[Any]:
        """The same inputs in parts that are read one after the other; a `TableBatch` is read where it is predicted."""

    def raw_inputs(self, encoder: Encoder) -> list[tuple[str, str]]:
        """The columns of raw inputs, as a server describes them: name and type, "BYTES" (also texts) or "FP64"."""

    def examples(self, encoder: Encoder) -> list[Any]:
        """Raw inputs, usual and odd ones, made from what the encoder learned: a bundle keeps them with their arrays to verify encoders."""

    def encode(self, encoder: Encoder, inputs: Any) -> Encoded:
        """Inputs of the serving graph."""

    def postprocess(self, encoder: Encoder, outputs: dict[str, np.ndarray], encoded: Encoded) -> list[dict[str, Any]]:
        """One prediction per input, in order. Further keyword arguments are options of `predict`."""
