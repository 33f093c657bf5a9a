"""Score every exported file of a bundle through its own runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from applied_dl.core import console
from applied_dl.core.bundle import Manifest
from applied_dl.core.records import Part, Scores
from applied_dl.exporting.convert import VARIANTS
from applied_dl.runtime.interpreter import Runtime

MOST_ROWS, NUMBERS = 256, 2**22  # of a batch, and numbers of its inputs: the layers of an image net hold some twenty times as many
FEW_BATCHES = 4  # which are computed without a graph


def evaluate_files(folder: Path, manifest: Manifest, part: Part, score: Callable[[dict, Part], Scores]) -> dict[str, Scores]:
    """Scores by file name: the TFLite files through LiteRT, the SavedModel through TensorFlow."""
    scores = {}
    for item in manifest.exports:
        if item.refused or item.variant not in VARIANTS:
            continue
        path = folder / item.file
        outputs = signature_outputs(path, part.inputs) if item.format == "saved_model" else Runtime(path.read_bytes()).run(part.inputs)
        scores[item.file] = score(outputs, part)
    return scores


def batch_rows(inputs: dict[str, np.ndarray]) -> int:
    """Rows of a batch whose outputs are computed: fewer where rows are large, since memory grows with them.

    Example:
        >>> batch_rows({"image": np.zeros((9, 224, 224, 3), np.uint8)})
        27
    """
    return max(1, min(MOST_ROWS, NUMBERS // max(1, sum(int(np.prod(array.shape[1:])) for array in inputs.values()))))


def outputs_of(model, inputs: dict[str, np.ndarray]):
    """The outputs of a Keras model for rows (N, …), as arrays in its own structure: what `model.predict` gives.

    A few batches are computed without a graph: tracing one of exponential smoothing takes longer than computing them.
    """
    import keras

    count, rows = len(next(iter(inputs.values()))), batch_rows(inputs)
    if count > FEW_BATCHES * rows:
        return model.predict(inputs, batch_size=rows, verbose=0)
    cuts = [slice(start, start + rows) for start in range(0, max(count, 1), rows)]
    found = [model({name: np.ascontiguousarray(array[cut]) for name, array in inputs.items()}, training=False) for cut in cuts]
    return keras.tree.map_structure(lambda *parts: np.concatenate([np.asarray(part) for part in parts]), *found)


def signature_outputs(folder: Path, inputs: dict[str, np.ndarray], signature: str = "serving_default") -> dict[str, np.ndarray]:
    """The outputs (N, …) of a SavedModel's signature by name, computed in batches."""
    with console.hushed():
        import tensorflow as tf

    function = tf.saved_model.load(str(folder)).signatures[signature]
    tensors = {name: tf.constant(array.tolist() if array.dtype == object else array) for name, array in inputs.items()}
    parts, size = [], batch_rows(inputs)
    for start in range(0, len(next(iter(inputs.values()))), size):
        outputs = function(**{name: tensor[start : start + size] for name, tensor in tensors.items()})
        parts.append({key: value.numpy() for key, value in outputs.items()})
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
