"""Images as the command line and programs give them, and a note where they are unlike those of the training."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.vision.image_files import EXTENSIONS
from applied_dl.vision.images import ImageForm
from applied_dl.vision.paths import walk

AT_ONCE = 512  # images that are decoded before they are answered, so that a folder of any size takes the same memory
ROUNDING = 1e-3  # grey levels


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
            inside = sorted(walk(path))
            if not inside:
                raise DataError(f"The folder {text!r} holds no images ({', '.join(EXTENSIONS[:12])}, …).")
            found += inside
        elif path.is_file() and _is_table(path):
            from applied_dl.vision.tables import image_paths

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


def _light(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (N,) of images, in float32: double precision would take half of the time of a small net."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    level = flat.mean(1)
    flat -= level[:, None]
    return level, np.sqrt(np.array([row @ row for row in flat]) / flat.shape[1])


def light_notes(form: ImageForm, images: np.ndarray) -> list[str]:
    """A note where images are outside the brightness or contrast of all training images."""
    if not len(images):
        return []
    level, spread = _light(images)
    odd = np.zeros(len(images), bool)
    for value, (low, high) in ((level, form.brightness), (spread, form.contrast)):
        odd |= (value < low - ROUNDING) | (value > high + ROUNDING)
    return [f"{int(odd.sum())} of {len(images)} images are unlike the training images (brightness or contrast)"] if odd.any() else []
