"""Score every exported file of a bundle through its own runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from applied_dl.bundle import Manifest
from applied_dl.data import Part
from applied_dl.infer.runtime import Runtime
from applied_dl.metrics import Scores

BATCH = 256


def evaluate_files(folder: Path, manifest: Manifest, part: Part, score: Callable[[dict, Part], Scores]) -> dict[str, Scores]:
    """Scores by file name: the TFLite files through LiteRT, the SavedModel through TensorFlow."""
    found = {}
    for item in manifest.exports:
        if item.refused:
            continue
        run = saved_model_outputs if item.format == "saved_model" else tflite_outputs
        found[item.file] = score(run(folder / item.file, part), part)
    return found


def tflite_outputs(path: Path, part: Part) -> dict[str, np.ndarray]:
    """The answers of a TFLite file by name."""
    return Runtime(path.read_bytes()).run(part.inputs)


def saved_model_outputs(folder: Path, part: Part) -> dict[str, np.ndarray]:
    """The answers of a SavedModel's `serving_default` by name."""
    import tensorflow as tf

    function = tf.saved_model.load(str(folder)).signatures["serving_default"]
    parts = []
    for start in range(0, len(part), BATCH):
        answer = function(**{name: tf.constant(array[start : start + BATCH]) for name, array in part.inputs.items()})
        parts.append({key: value.numpy() for key, value in answer.items()})
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
