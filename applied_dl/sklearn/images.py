"""Images: `ImageClassifier`."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
import polars as pl

from applied_dl.core.cache import cache_folder
from applied_dl.core.fingerprint import fingerprint
from applied_dl.sklearn.estimator import Classifier, check_lengths


class ImageClassifier(Classifier):
    """Images to a class with calibrated probabilities.

    Args and attributes are those of `TabularRegressor` without the names of features; `classes_` holds the classes.

    Example:
        >>> ImageClassifier().fit(images, labels).predict(new_images)     # arrays (N, H, W) or (N, H, W, C), uint8; or paths
    """

    _task = "image"

    def fit(self, X: Any, y: Any) -> Self:
        """Train on images, an array (N, H, W) or (N, H, W, C) of uint8 or a list of paths, and labels y (N,)."""
        labels = self._fit_classes(y)
        images = self._inputs(X)
        check_lengths(len(images), len(labels), "images")
        folder = cache_folder() / "tables"
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(images[0], np.ndarray):
            array = np.stack(images)
            path = folder / f"{fingerprint(array, *labels)[:32]}.npz"
            np.savez(path, x=array, y=np.array(labels))
            self._train({"source": str(path)})
        else:
            frame = pl.DataFrame({"path": [os.path.abspath(image) for image in images], "label": labels})
            path = folder / f"{fingerprint(frame.write_csv())[:32]}.csv"
            frame.write_csv(path)
            self._train({"source": str(path)})
        return self

    def _inputs(self, X: Any) -> list[Any]:
        if isinstance(X, str) or not hasattr(X, "__len__") or not len(X):
            raise ValueError(f"X must be images, an array (N, H, W[, C]) or a list of paths; received {type(X).__name__}.")
        images = [image if isinstance(image, str | os.PathLike) else np.asarray(image) for image in X]
        if any(isinstance(image, np.ndarray) and image.ndim not in (2, 3) for image in images):
            raise ValueError(f"Each image must have shape (H, W) or (H, W, C); received {np.shape(X)}.")
        return images

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = False, True
        return tags
