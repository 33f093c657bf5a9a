"""Pictures in, labels out: the part of the image task that needs no TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError, UsageError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.image.encoder import EXTENSIONS, ImageEncoder, decode, load

load_encoder = load
TOP = 5
AT_ONCE = 512  # pictures that are decoded before they are answered, so that a folder of any size takes the same memory
ROUNDING = 1e-3  # grey levels
TABLES = (".csv", ".tsv", ".parquet")
THRESHOLD = 0.5  # of the probability, above which one of several labels is given


def expand_inputs(arguments: list[str]) -> list[Path | str]:
    """Paths as given; a folder stands for its pictures, in order; a table for its `path` column, relative to its own folder."""
    found: list[Path | str] = []
    for text in arguments:
        path = Path(text)
        if not text or not os.path.exists(text):  # an empty argument does not stand for the folder one is in
            found.append(text)
        elif path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in EXTENSIONS and p.is_file())
            if not inside:
                raise DataError(f"The folder {text!r} holds no pictures ({', '.join(EXTENSIONS)}).")
            found += inside
        elif path.suffix.lower() in TABLES and path.is_file():
            from applied_dl.tasks.image.readers.table import picture_paths

            found += picture_paths(path)
        else:
            found.append(path)
    return found


def encode(encoder: ImageEncoder, inputs: list) -> Encoded:
    """Paths, bytes, PIL images or arrays → `image` uint8 (N, H, W, C)."""
    images, kept, errors = [], [], {}
    for place, source in enumerate(inputs):
        try:
            images.append(decode(encoder, source).pixels)
            kept.append(place)
        except DataError as error:
            errors[place] = str(error)
    array = np.stack(images) if images else np.zeros((0, encoder.height, encoder.width, encoder.channels), np.uint8)
    return Encoded(inputs={"image": array}, kept=kept, errors=errors, warnings=_drift(encoder, array))


def postprocess(encoder: ImageEncoder, outputs: dict, encoded: Encoded, *, top: int = TOP) -> list[dict]:
    """`{"label", "probability", "top": [{"label", "probability"}, …]}` a picture; models with several labels a picture add `"labels"`."""
    if top < 1:
        raise UsageError(f"top must be at least 1, received {top}.")
    answers = []
    for row in outputs["probabilities"]:
        best = np.argsort(-row, kind="stable")[:top]
        ranked = [{"label": encoder.labels[i], "probability": float(row[i])} for i in best]
        found = {**ranked[0], "top": ranked}
        if encoder.multi_label:
            found["labels"] = [encoder.labels[i] for i in np.flatnonzero(row >= THRESHOLD)]
        answers.append(found)
    return answers


def _light(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (N,) of pictures; in float32, for half of the time of a small net would go there otherwise."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    level = flat.mean(1)
    flat -= level[:, None]
    return level, np.sqrt(np.array([row @ row for row in flat]) / flat.shape[1])


def _drift(encoder: ImageEncoder, images: np.ndarray) -> list[str]:
    """A note where pictures are lighter, darker, flatter or harsher than any that trained the model."""
    if not len(images):
        return []
    level, spread = _light(images)
    odd = np.zeros(len(images), bool)
    for value, (low, high) in ((level, encoder.brightness), (spread, encoder.contrast)):
        odd |= (value < low - ROUNDING) | (value > high + ROUNDING)
    return [f"{int(odd.sum())} of {len(images)} pictures are unlike the training pictures (brightness or contrast)"] if odd.any() else []
