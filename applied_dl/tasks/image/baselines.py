"""Baselines of an image model, trained on the same rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import msgspec
import numpy as np

from applied_dl.core.mapped import row_pieces
from applied_dl.core.records import Scores

MOST_ROWS, MOST_SVM_ROWS = 5000, 2500  # training rows of the linear model, and of the support vector machine
SIDE, COMPONENTS = 32, 100
PENALTIES = np.geomspace(1e-1, 1e4, 11)


def image_baselines(prepared, score: Callable[[dict], Scores]) -> dict[str, Scores]:
    """Scores on the test rows by baseline.

    Classes: the majority class; logistic regression on principal components of small pixels; an RBF support vector machine for few rows.
    Numbers: the mean; ridge regression on principal components.

    Args:
        prepared: the data.
        score: outputs of the test rows by name → their scores.
    """
    encoder, part, test = prepared.encoder, prepared.train, prepared.test
    rows = np.linspace(0, len(part) - 1, min(MOST_ROWS, len(part))).astype(np.int64)
    x, y, queries = small_pixels(part.inputs["image"][rows]), part.target[rows], small_pixels(test.inputs["image"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not encoder.labels:
            return {
                "mean": score({"prediction": np.full(len(test), part.target.mean())}),
                "ridge regression on PCA": score({"prediction": _ridge(x, y, queries)}),
            }
        classes = len(encoder.labels)
        shares = part.target.mean(0) if y.ndim == 2 else np.bincount(part.target, minlength=classes) / len(part)
        found = {"majority class": score({"probabilities": np.tile(shares.astype(np.float32), (len(test), 1))})}
        if (y.min(0) == y.max(0)).any():
            return found
        found["logistic regression on PCA"] = score({"probabilities": _logistic(x, y, queries, classes)})
        if len(x) <= MOST_SVM_ROWS and y.ndim == 1:
            found["SVM with RBF kernel"] = _of_decisions(score({"probabilities": _support_vectors(x, y, queries, classes)}))
    return found


def _components(x: np.ndarray, model):
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(PCA(min(COMPONENTS, *x.shape), random_state=0), StandardScaler(), model)


def _ridge(x, y, queries) -> np.ndarray:
    from sklearn.linear_model import RidgeCV

    return _components(x, RidgeCV(PENALTIES)).fit(x, y).predict(queries)


def _logistic(x, y, queries, classes: int) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    linear = LogisticRegression(C=0.1, max_iter=300)
    several = y.ndim == 2
    model = _components(x, OneVsRestClassifier(linear) if several else linear).fit(x, y)
    p = model.predict_proba(queries)
    return p.astype(np.float32) if several else _all_classes(p, model[-1].classes_, classes)


def _support_vectors(x, y, queries, classes: int) -> np.ndarray:
    """Its decisions as probabilities of 0 and 1: it has no others."""
    from sklearn.svm import SVC

    model = SVC(C=10, gamma="scale").fit(x, y)
    return np.eye(classes, dtype=np.float32)[model.predict(queries)]


def _all_classes(p: np.ndarray, codes: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of all classes, 0 for those that were not trained."""
    full = np.zeros((len(p), classes), np.float32)
    full[:, codes] = p
    return full


def _of_decisions(scores: Scores) -> Scores:
    """Without the metrics that need probabilities."""
    keep = {"accuracy", "f1"}
    cut = lambda d: {k: v for k, v in d.items() if k in keep}  # noqa: E731
    return msgspec.structs.replace(scores, metrics=cut(scores.metrics), intervals=cut(scores.intervals))


def small_pixels(images: np.ndarray) -> np.ndarray:
    """Means of blocks so that no side is above 32; flat, 0..1."""
    step = max(1, -(-max(images.shape[1:3]) // SIDE))
    _, height, width, channels = images.shape
    found = []
    for part in row_pieces(images):
        cut = part[:, : height // step * step, : width // step * step]
        blocks = cut.reshape(len(part), height // step, step, width // step, step, channels)
        found.append(blocks.mean((2, 4), dtype=np.float32).reshape(len(part), -1) / 255)
    return np.concatenate(found)
