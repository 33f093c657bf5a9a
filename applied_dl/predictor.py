"""A bundle as a function from raw inputs to predictions, without TensorFlow."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core.bundle import Manifest, checked_bytes, open_bundle, read_manifest
from applied_dl.core.errors import DataError, UsageError
from applied_dl.runtime.answers import add_answers
from applied_dl.runtime.interpreter import LARGEST_BATCH, Encoded, Runtime
from applied_dl.tasks import load_predict

MAX_WARNINGS = 10
ENCODER_FILES = ("encoder.json", "encoder.npz", "tokenizer.json")


class Predictor:
    """Predicts from raw inputs; safe to share between threads.

    Args:
        folder: A bundle, as `train` writes it.
        variant: fp32, fp16, dynamic, int8_weights or int8; the chosen file (`model.tflite`) by default.
        threads: Threads of the interpreter; up to 4 by default.

    Attributes:
        task: Name of the task, such as "image".
        manifest: What the bundle says of itself: recipe, scores, files.
        encoder: The fitted encoder that turns raw inputs into arrays.
        warnings: Warnings of this thread's last `predict`, for instance that inputs are unlike the training data.

    Raises:
        DataError: A file of the bundle is missing or damaged.
        UsageError: The bundle has no such variant.
    """

    def __init__(self, folder: str | os.PathLike[str], variant: str | None = None, threads: int | None = None):
        self.folder = Path(folder)
        self.manifest: Manifest = open_bundle(self.folder, only=needed_files(self.folder, variant))
        self.variant = self.manifest.variant(variant).variant
        self.task = self.manifest.task
        self._task = load_predict(self.task)
        self.encoder = self._task.load_encoder(self.folder)
        content = checked_bytes(self.folder, self.manifest, self.manifest.variant(variant).file)
        self.runtime = Runtime(content, threads, padding=getattr(self.encoder, "padding", None))  # sequences have padding, tables none
        self._local = threading.local()

    @property
    def warnings(self) -> list[str]:
        """Warnings of this thread's last `predict`."""
        return getattr(self._local, "warnings", [])

    @property
    def options(self) -> tuple[str, ...]:
        """The keyword arguments that `predict` takes for this task, such as "top"."""
        parameters = inspect.signature(self._task.postprocess).parameters.values()
        return tuple(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)

    @property
    def task_module(self) -> Any:
        """The prediction module of the bundle's task (`tasks/<task>/predict.py`)."""
        return self._task

    def predict(self, inputs: Any, **options: Any) -> list[dict[str, Any]]:
        """Predict from raw inputs.

        Args:
            inputs: What the task takes, one or a list: paths, bytes, PIL images, arrays, rows (dicts), texts, polars or pandas frames.
            options: The task's own, listed in `Predictor.options`, such as `top=3` (image, tabular) or `nearest=5` (words, sentences).

        Returns:
            One dict per input, in order: `{"label", "probability", "top", "set"}`, `{"prediction", "lower", "upper"}`, `{"series", "times",
            "forecast", "lower", "upper"}` or `{"vector"}`; labels and numbers with `"distance"` from the training data, and `"warning"`
            where it is above 1. An input that cannot be read gives `{"input", "error"}` in its place.

        Raises:
            UsageError: An option that this task does not have, or no inputs at all.

        Example:
            >>> predictor = applied_dl.load("saved_models/digits")
            >>> predictor.predict(["3.png"], top=2)[0]["label"]
            '3'
        """
        for key in options.keys() - set(self.options):
            known = ", ".join(self.options) or "no options"
            raise UsageError(f"{key!r} has no meaning for predictions of the task {self.task!r}; it takes {known}.")
        inputs = self.as_list(inputs)
        chunk = self._task.AT_ONCE
        if chunk is None or not isinstance(inputs, list) or len(inputs) <= chunk:
            predictions, self._local.warnings = self._predict_chunk(inputs, options)
            return predictions
        predictions, warnings = [], []
        for start in range(0, len(inputs), chunk):
            part, notes = self._predict_chunk(inputs[start : start + chunk], options, start)
            predictions += part
            warnings += [f"inputs {start + 1} to {start + len(part)}: {note}" for note in notes]
        self._local.warnings = warnings[:MAX_WARNINGS]
        return predictions

    def predict_batch(self, table: Any, **options: Any) -> Any:
        """A table of inputs → the table with its predictions beside them: the function to map over batches in Spark, Dask, Ray or Beam.

        Args:
            table: A frame of polars or pandas, a table or batch of Arrow, a dict of columns, or whatever `predict` takes.
            options: Those of `predict`.

        Returns:
            A frame of pandas or a table of Arrow where `table` is one, else a frame of polars; the column `error` says why a row cannot be
            read.

        Example:
            >>> predictor.predict_batch(pl.read_parquet("orders.parquet")).columns[-4:]
            ['prediction', 'lower', 'upper', 'distance']
        """
        from applied_dl.io.tables import read_table
        from applied_dl.runtime.prediction_frames import as_kind_of, predictions_frame

        if isinstance(table, dict) and all(hasattr(cells, "__len__") and not isinstance(cells, str | bytes) for cells in table.values()):
            table = read_table(table).frame
        frame = predictions_frame(self._task, self.encoder, table, self.predict(table, **options))
        return as_kind_of(frame, table)

    def _predict_chunk(self, inputs: Any, options: dict[str, Any], first: int = 0) -> tuple[list[dict[str, Any]], list[str]]:
        """The predictions in order, and the warnings; `first` is the position of the first of these inputs among all."""
        encoded = self._task.encode(self.encoder, inputs)
        predictions: dict[int, dict[str, Any]] = {}
        notes = list(encoded.warnings)
        if encoded.kept:
            outputs = self.runtime.run(encoded.inputs, batch=LARGEST_BATCH)
            answers = self._task.postprocess(self.encoder, outputs, encoded, **options)
            notes += add_answers(answers, outputs, getattr(self.encoder, "labels", ()))
            predictions = dict(zip(encoded.kept, answers, strict=True))
        for place, sentence in encoded.errors.items():
            predictions[place] = {"input": _name(inputs, encoded.origin.get(place, place), first), "error": sentence}
        return [predictions[place] for place in sorted(predictions)], notes

    def as_list(self, inputs: Any) -> Any:
        """Inputs as `predict` counts them: a list, or a table as it is; one input becomes a list of one."""
        return _as_list(inputs, keep_series=self._task.INPUT == "history")

    def encode(self, inputs: Any) -> Encoded:
        """Raw inputs as the arrays that `run` takes."""
        encoded: Encoded = self._task.encode(self.encoder, inputs)
        return encoded

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The graph alone: encoded arrays by name, (B, …) each, to raw outputs by name."""
        return self.runtime.run(inputs)

    def expand_inputs(self, arguments: list[str]) -> Any:
        """Command-line arguments as inputs: a folder becomes its images, a CSV its rows, a text file its lines."""
        column = self._column
        return self._task.expand_inputs(arguments, column) if column else self._task.expand_inputs(arguments)

    def input_batches(self, arguments: list[str]) -> Iterator[Any]:
        """The inputs of `expand_inputs` in parts, so that files of any size take the same memory."""
        column = self._column
        batches: Iterator[Any] = self._task.input_batches(arguments, column) if column else self._task.input_batches(arguments)
        return batches

    @property
    def _column(self) -> Any:
        """The column of a table that holds the texts or the paths of images, where the recipe names one."""
        data = self.manifest.recipe.get("data", {})
        return data.get("column") or data.get("path")


class VectorPredictor(Predictor):
    """Predicts from a plain file of word vectors (GloVe, word2vec text or binary, `.npz`), as a bundle of the task words does.

    Args:
        path: The file.

    Raises:
        DataError: The file is damaged or of another kind.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.folder = Path(path)
        self.variant, self.task = "fp32", "words"
        self._task = load_predict(self.task)
        self.encoder, self.runtime = self._task.open_vectors(self.folder)
        self._local = threading.local()

    @property
    def _column(self) -> None:
        return None


def load(path: str | os.PathLike[str], variant: str | None = None, threads: int | None = None) -> Predictor:
    """Open a bundle, or a plain file of word vectors, for prediction; see `Predictor` and `VectorPredictor`."""
    if Path(path).is_file() and load_predict("words").is_vector_file(path):
        return VectorPredictor(path)
    return Predictor(path, variant, threads)


def needed_files(folder: Path, variant: str | None) -> set[str]:
    """The files that a prediction reads: the encoder's and one TFLite file. Only those are hashed, so that loading stays fast."""
    manifest = read_manifest(folder)
    needed = {name for name in ENCODER_FILES if name in manifest.files or (folder / name).exists()}  # none is read unchecked
    if not needed:
        raise DataError(f"The bundle {str(folder)!r} lists no encoder file ({', '.join(ENCODER_FILES)}); it is damaged.")
    return needed | {manifest.variant(variant).file}


def _as_list(inputs: Any, keep_series: bool = False) -> Any:
    """A list of inputs, or a table as it is; a single path, text, image, row or array becomes a list of one.

    keep_series: a pandas series is one input (the history of a series), not a list of them.
    """
    if inputs is None:
        raise UsageError("predict expects inputs, received None; give a list of what the task takes (paths, bytes, arrays, rows or texts).")
    if hasattr(inputs, "columns") or (keep_series and hasattr(inputs, "iloc")):
        return inputs
    if isinstance(inputs, np.ndarray) and inputs.ndim == 4:  # (B, H, W, C)
        return list(inputs)
    single = isinstance(inputs, str | bytes | bytearray | memoryview | Path | dict | np.ndarray) or not hasattr(inputs, "__iter__")
    return [inputs] if single else list(inputs)


def _name(inputs: Any, place: int, first: int = 0) -> str | int:
    """How an unreadable input is named in its prediction: by its path or text, or by its position."""
    try:
        item = inputs[place]
    except (KeyError, TypeError, IndexError):
        return first + place
    return str(item) if isinstance(item, str | Path) else first + place
