"""Baselines of a segmentation net, fitted on the same images."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from applied_dl.core.records import Scores
from applied_dl.tasks.segment.encoder import VOID

MOST_PIXELS = 20_000  # training pixels of the logistic regression
STEP = 2  # it is applied to every second pixel of every second row


def segment_baselines(prepared, score: Callable[[dict], Scores]) -> dict[str, Scores]:
    """Scores on the test images by baseline.

    Args:
        prepared: the data.
        score: outputs of the test images by name → their scores.
    """
    train, test, classes = prepared.train, prepared.test, len(prepared.encoder.labels)
    shape = test.target.shape
    commonest = np.uint8(prepared.state.counts.argmax())
    found = {
        "commonest class": score({"mask": np.broadcast_to(commonest, shape)}),
        "commonest class at each place": score({"mask": np.broadcast_to(position_prior(train.target, classes, commonest), shape)}),
    }
    masks = _by_color(train.inputs["image"], train.target, test.inputs["image"])
    return found if masks is None else {**found, "logistic regression of colours": score({"mask": masks})}


def position_prior(target: np.ndarray, classes: int, otherwise: int) -> np.ndarray:
    """The commonest training class (H, W) at each place; `otherwise` where all are void."""
    best, most = np.full(target.shape[1:], otherwise, np.uint8), np.zeros(target.shape[1:], np.int64)
    for code in range(classes):
        count = (target == code).sum(0)
        best, most = np.where(count > most, np.uint8(code), best), np.maximum(count, most)
    return best


def _by_color(images: np.ndarray, target: np.ndarray, queries: np.ndarray) -> np.ndarray | None:
    """Masks (N, H, W) by the colour of each pixel alone; None where the sample holds one class."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    random = np.random.default_rng(0)
    valid = np.flatnonzero(target.ravel() != VOID)
    chosen = np.sort(random.choice(valid, min(MOST_PIXELS, len(valid)), replace=False))
    y = target.ravel()[chosen]
    if len(np.unique(y)) < 2:
        return None
    channels = images.shape[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(_colors(images.reshape(-1, channels)[chosen]), y)
    masks = np.zeros(queries.shape[:3], np.uint8)
    for mask, image in zip(masks, queries):
        small = image[::STEP, ::STEP]
        found = model.predict(_colors(small.reshape(-1, channels))).reshape(small.shape[:2])
        mask[:] = found.repeat(STEP, 0).repeat(STEP, 1)[: mask.shape[0], : mask.shape[1]]
    return masks


def _colors(pixels: np.ndarray) -> np.ndarray:
    """Colours (N, C) with their squares and products."""
    x = pixels.astype(np.float32) / 255
    rows, columns = np.triu_indices(x.shape[1])
    return np.concatenate([x, x[:, rows] * x[:, columns]], axis=1)
