"""A bundle as a function from raw inputs to answers."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path

import numpy as np

from applied_dl.core.bundle import Manifest, checked_bytes, open_bundle
from applied_dl.core.errors import DataError, UsageError
from applied_dl.runtime.interpreter import LARGEST_BATCH, Runtime
from applied_dl.tasks import load_predict

MOST_NOTES = 10
ENCODER_FILES = ("encoder.json", "encoder.npz", "tokenizer.json")


class Predictor:
    """Answers raw inputs; safe to share between threads.

    `warnings` holds the notes of the thread's last call of `predict` (inputs unlike the training data, for one).
    """

    def __init__(self, folder: str | Path, variant: str | None = None, threads: int | None = None):
        self.folder = Path(folder)
        self.manifest: Manifest = open_bundle(self.folder, only=_needed(self.folder, variant))
        self.variant = self.manifest.variant(variant).variant
        self.task = self.manifest.task
        self._task = load_predict(self.task)
        self.encoder = self._task.load_encoder(self.folder)
        content = checked_bytes(self.folder, self.manifest, self.manifest.variant(variant).file)
        self.runtime = Runtime(content, threads, padding=getattr(self.encoder, "padding", None))  # of sequences; tables have none
        self._notes = threading.local()

    @property
    def warnings(self) -> list[str]:
        """The notes of this thread's last call of `predict`."""
        return getattr(self._notes, "last", [])

    def predict(self, inputs, **options) -> list[dict]:
        """One object per input, in order; an input that cannot be read gives `{"input", "error"}` in its place.

        inputs: a list of what the task takes (paths, bytes, arrays, rows, texts); options: the task's own, such as `top=3`.
        """
        if options:
            self._refuse_unknown(options)
        inputs = _several(inputs, whole=self.task == "forecast")
        at_once = getattr(self._task, "AT_ONCE", None)
        if at_once is None or not isinstance(inputs, list) or len(inputs) <= at_once:
            answers, self._notes.last = self._answered(inputs, options)
            return answers
        answers, notes = [], []
        for start in range(0, len(inputs), at_once):
            found, told = self._answered(inputs[start : start + at_once], options, start)
            answers += found
            notes += [f"inputs {start + 1} to {start + len(found)}: {note}" for note in told]
        self._notes.last = notes[:MOST_NOTES]
        return answers

    def _refuse_unknown(self, options: dict) -> None:
        known = [name for name, own in inspect.signature(self.predict_options).parameters.items() if own.kind is own.KEYWORD_ONLY]
        for key in options.keys() - known:
            raise UsageError(
                f"{key!r} has no meaning for predictions of the task {self.task!r}; it takes {', '.join(known) or 'no options'}."
            )

    def _answered(self, inputs, options: dict, first: int = 0) -> tuple[list[dict], list[str]]:
        """The answers in order, and the notes; `first` is the place of the first of these inputs among all."""
        encoded = self._task.encode(self.encoder, inputs)
        answers: list[dict] = []
        if encoded.kept:
            outputs = self.runtime.run(encoded.inputs, batch=LARGEST_BATCH)
            answers = self._task.postprocess(self.encoder, outputs, encoded, **options)
        total = len(encoded.kept) + len(encoded.errors)
        slots: list[dict | None] = [None] * total
        for place, answer in zip(encoded.kept, answers, strict=True):
            slots[place] = answer
        for place, sentence in encoded.errors.items():
            slots[place] = {"input": _name(inputs, encoded.origin.get(place, place), first), "error": sentence}
        return slots, list(encoded.warnings)  # type: ignore[return-value]

    @property
    def predict_options(self):
        """The function that phrases the answers; its keyword arguments are the options of `predict`."""
        return self._task.postprocess

    @property
    def task_module(self):
        """The TF-free half of the bundle's task."""
        return self._task

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The graph alone: encoded arrays by name → raw outputs by name."""
        return self.runtime.run(inputs)

    def encode(self, inputs):
        """Raw inputs → the arrays that `run` takes."""
        return self._task.encode(self.encoder, inputs)

    def expand_inputs(self, arguments: list[str]) -> list:
        """Command-line arguments → inputs (a folder → its pictures, a CSV → its rows, a text file → its lines)."""
        column = self.manifest.recipe.get("data", {}).get("column")  # of a table of texts
        return self._task.expand_inputs(arguments, column) if column else self._task.expand_inputs(arguments)


def load(path: str | Path, variant: str | None = None, threads: int | None = None) -> Predictor:
    """Open a bundle for prediction, without TensorFlow. Raises `DataError` where a file is missing or damaged.

    variant: fp32, fp16, dynamic, int8_weights or int8; the chosen file by default. threads: of the interpreter, up to 4 by default.
    """
    return Predictor(path, variant, threads)


def _needed(folder: Path, variant: str | None) -> set[str]:
    """The files a prediction reads: the encoder's and one TFLite file. Only those are hashed, so loading stays fast."""
    from applied_dl.core.bundle import read_manifest

    manifest = read_manifest(folder)
    needed = {name for name in ENCODER_FILES if name in manifest.files or (folder / name).exists()}  # none is read unchecked
    if not needed:
        raise DataError(f"The bundle {str(folder)!r} lists no encoder file ({', '.join(ENCODER_FILES)}); it is damaged.")
    return needed | {manifest.variant(variant).file}


def _several(inputs, whole: bool = False):
    """A list of inputs (or a table) from whatever was given: one path, text, picture, row or array stands for a list of it.

    whole: a pandas series is one input, not a list of them.
    """
    if inputs is None:
        raise UsageError("predict expects inputs, received None; give a list of what the task takes (paths, bytes, arrays, rows or texts).")
    single = isinstance(inputs, str | bytes | bytearray | memoryview | Path | dict | np.ndarray) or not hasattr(inputs, "__iter__")
    if hasattr(inputs, "columns") or (whole and hasattr(inputs, "iloc")):
        return inputs
    if isinstance(inputs, np.ndarray) and inputs.ndim == 4:  # a batch of pictures
        return list(inputs)
    return [inputs] if single else list(inputs)


def _name(inputs, place: int, first: int = 0):
    """How an unreadable input is named in its answer: by its path or text, or by its place."""
    try:
        item = inputs[place]
    except (KeyError, TypeError, IndexError):
        return first + place
    return str(item) if isinstance(item, str | Path) else first + place
