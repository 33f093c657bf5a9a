"""Honest rivals of an image net, trained on the same rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import msgspec
import numpy as np

from applied_dl.core.records import Scores

MOST_ROWS, MOST_PLAIN_ROWS = 5000, 2500  # training rows of the linear rival, and of the support vector machine
SIDE, COMPONENTS = 32, 100


def image_baselines(prepared, score: Callable[[np.ndarray], Scores]) -> dict[str, Scores]:
    """The commonest class; logistic regression on principal components of small pixels; an RBF support vector machine for few rows."""
    truth, classes = prepared.train.target, len(prepared.encoder.labels)
    shares = truth.mean(0) if truth.ndim == 2 else np.bincount(truth, minlength=classes) / len(truth)
    found = {"majority class": score(np.tile(shares.astype(np.float32), (len(prepared.test), 1)))}
    rows = np.linspace(0, len(prepared.train) - 1, min(MOST_ROWS, len(prepared.train))).astype(np.int64)
    x, y, ask = _small(prepared.train.inputs["image"][rows]), truth[rows], _small(prepared.test.inputs["image"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if (y.min(0) == y.max(0)).any():
            return found
        found["logistic regression on PCA"] = score(_logistic(x, y, ask, classes))
        if len(x) <= MOST_PLAIN_ROWS and y.ndim == 1:
            found["SVM with RBF kernel"] = _certain(score(_support_vectors(x, y, ask, classes)))
    return found


def _logistic(x, y, ask, classes: int) -> np.ndarray:
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    linear = LogisticRegression(C=0.1, max_iter=300)
    several = y.ndim == 2
    model = make_pipeline(
        PCA(min(COMPONENTS, *x.shape), random_state=0), StandardScaler(), OneVsRestClassifier(linear) if several else linear
    )
    model.fit(x, y)
    found = model.predict_proba(ask)
    return found.astype(np.float32) if several else _spread(found, model[-1].classes_, classes)


def _support_vectors(x, y, ask, classes: int) -> np.ndarray:
    """Its answers as probabilities of 0 and 1: it has no others."""
    from sklearn.svm import SVC

    model = SVC(C=10, gamma="scale").fit(x, y)
    return np.eye(classes, dtype=np.float32)[model.predict(ask)]


def _spread(found: np.ndarray, codes: np.ndarray, classes: int) -> np.ndarray:
    p = np.zeros((len(found), classes), np.float32)
    p[:, codes] = found
    return p


def _certain(scores: Scores) -> Scores:
    """Without the metrics that need probabilities."""
    keep = {"accuracy", "f1"}
    cut = lambda d: {k: v for k, v in d.items() if k in keep}  # noqa: E731
    return msgspec.structs.replace(scores, metrics=cut(scores.metrics), intervals=cut(scores.intervals))


def _small(images: np.ndarray) -> np.ndarray:
    """Means of blocks so that no side is above 32; flat, 0..1."""
    step = max(1, -(-max(images.shape[1:3]) // SIDE))
    n, height, width, channels = images.shape
    cut = images[:, : height // step * step, : width // step * step]
    blocks = cut.reshape(n, height // step, step, width // step, step, channels)
    return blocks.mean((2, 4), dtype=np.float32).reshape(n, -1) / 255
