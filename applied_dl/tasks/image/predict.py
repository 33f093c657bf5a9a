"""Images in, labels or numbers out: the part of the image task that needs no TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError, UsageError
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.image.encoder import EXTENSIONS, ImageEncoder, decode, load
from applied_dl.tasks.image.examples import examples

load_encoder = load
INPUT = "image"
TOP = 5
AT_ONCE = 512  # images that are decoded before they are answered, so that a folder of any size takes the same memory
ROUNDING = 1e-3  # grey levels
THRESHOLD = 0.5  # of the probability, from which one of several labels is given


def expand_inputs(arguments: list[str], column: str | None = None) -> list[Path | str]:
    """Paths as given; a folder stands for its images, in order; a table for the images that it names.

    Args:
        arguments: paths of images, folders and tables.
        column: the column of a table that names the images; found by default.

    Raises:
        DataError: a folder or a table holds no images.
    """
    found: list[Path | str] = []
    for text in arguments:
        path = Path(text)
        if not text or not os.path.exists(text):  # an empty argument does not stand for the working folder
            found.append(text)
        elif path.is_dir():
            from applied_dl.tasks.image.readers.paths import walk

            inside = sorted(walk(path))
            if not inside:
                raise DataError(f"The folder {text!r} holds no images ({', '.join(EXTENSIONS[:12])}, …).")
            found += inside
        elif path.is_file() and _is_table(path):
            from applied_dl.tasks.image.readers.table import image_paths

            found += image_paths(path, column)
        else:
            found.append(path)
    return found


def input_batches(arguments: list[str], column: str | None = None) -> Iterator[list[Path | str]]:
    """The images of `expand_inputs`, `AT_ONCE` at a time."""
    found = expand_inputs(arguments, column)
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".xlsx")


def raw_inputs(encoder: ImageEncoder) -> list[tuple[str, str]]:
    """Image files."""
    return [("image", "BYTES")]


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
    """The answers, one per image.

    Args:
        encoder: the fitted state.
        outputs: of the exported graph.
        encoded: what `encode` returned.
        top: how many of the most probable labels are listed.

    Returns:
        `{"label", "probability", "top": [{"label", "probability"}, …]}`; with several labels per image also `"labels"`;
        `{"prediction", "lower", "upper"}` for regression.

    Raises:
        UsageError: `top` is under 1.
    """
    if top < 1:
        raise UsageError(f"top must be at least 1, received {top}.")
    if not encoder.labels:
        return [{name: float(outputs[name][row]) for name in ("prediction", "lower", "upper")} for row in range(len(encoded.kept))]
    answers = []
    for row in outputs["probabilities"]:
        best = np.argsort(-row, kind="stable")[:top]
        ranked = [{"label": encoder.labels[i], "probability": float(row[i])} for i in best]
        answer = {**ranked[0], "top": ranked}
        if encoder.multi_label:
            answer["labels"] = [encoder.labels[i] for i in np.flatnonzero(row >= THRESHOLD)]
        answers.append(answer)
    return answers


def _light(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (N,) of images, in float32: double precision would take half of the time of a small net."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    level = flat.mean(1)
    flat -= level[:, None]
    return level, np.sqrt(np.array([row @ row for row in flat]) / flat.shape[1])


def _drift(encoder: ImageEncoder, images: np.ndarray) -> list[str]:
    """A note where images are outside the brightness or contrast of all training images."""
    if not len(images):
        return []
    level, spread = _light(images)
    odd = np.zeros(len(images), bool)
    for value, (low, high) in ((level, encoder.brightness), (spread, encoder.contrast)):
        odd |= (value < low - ROUNDING) | (value > high + ROUNDING)
    return [f"{int(odd.sum())} of {len(images)} images are unlike the training images (brightness or contrast)"] if odd.any() else []


__all__ = ["INPUT", "AT_ONCE", "encode", "examples", "expand_inputs", "input_batches", "load_encoder", "postprocess", "raw_inputs"]
