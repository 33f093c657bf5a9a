"""What decoded images and their labels show that the user should know: rare classes, plain images, equal images with different labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.core.mapped import row_pieces
from applied_dl.core.plurals import numbered
from applied_dl.tasks.image.readers.classes import FEWEST, label_counts

PLAIN = 0.05  # share of images of a single colour from which it is reported


def check_content(pixels: np.ndarray, keys: np.ndarray, target: np.ndarray, labels: tuple[str, ...]) -> list[str]:
    """Notes on rare classes and on images of a single colour. Raises `DataError` where all images are the same, or all numbers."""
    if len(keys) == 1:
        raise DataError(f"The data has a single image; expected at least {FEWEST} per class, better 20.")
    if len(np.unique(keys)) == 1:
        first = np.asarray(pixels[0])
        what = f"a single colour ({', '.join(map(str, first[0, 0]))} of 255)" if (first == first[0, 0]).all() else "one image"
        raise DataError(f"All {len(keys)} images are the same after decoding: {what}; check the files, their depth and transparency.")
    notes = []
    plain = sum(bool((image == image[0, 0]).all()) for part in row_pieces(pixels) for image in part)
    if plain >= PLAIN * len(pixels) and plain > 1:
        notes.append(f"{plain} of {len(pixels)} images are of a single colour after decoding")
    if not labels:
        if len(np.unique(target)) < 2:
            raise DataError(f"All numbers of the images are {target[0]:g}; there is nothing to predict.")
        return notes
    counts = label_counts(target, labels)
    few = [f"{labels[i]!r} ({counts[i]})" for i in np.flatnonzero(counts < 3)]
    return notes + ([f"classes with fewer than 3 images cannot be in every part: {', '.join(few)}"] if few else [])


def contradictions(keys: np.ndarray, target: np.ndarray, items: list, labels: tuple[str, ...]) -> list[str]:
    """A note on equal images with different labels, which no model can tell apart."""
    if not labels:
        return []
    order = np.argsort(keys, kind="stable")
    same = keys[order][1:] == keys[order][:-1]
    other = (target[order][1:] != target[order][:-1]).reshape(len(same), -1).any(1)
    pairs = np.flatnonzero(same & other)
    if not len(pairs):
        return []
    count = len(np.unique(keys[order][pairs]))
    first, second = (items[row] for row in order[pairs[0] : pairs[0] + 2])
    shown = f" (the first: {str(first)!r} and {str(second)!r})" if isinstance(first, Path) and isinstance(second, Path) else ""
    return [f"{numbered(count, 'image is', 'images are')} there several times with different labels{shown}"]
