"""Baselines on the same rows: the mean or the majority class, ridge or logistic regression, and gradient-boosted trees."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from applied_dl.core.records import Scores
from applied_dl.tasks.tabular.arrays import scaled
from applied_dl.tasks.tabular.columns import TableEncoder

MOST_LEVELS = 255  # of a category that the trees take as one
MOST_ROWS = 100_000  # most training rows of a baseline
ONE_THREAD = 20_000  # rows below which more threads are slower


def tabular_baselines(prepared, score: Callable[[dict], Scores]) -> dict[str, Scores]:
    """Scores on the test rows by baseline."""
    encoder, part = prepared.encoder, prepared.train
    rows = np.linspace(0, len(part) - 1, min(len(part), MOST_ROWS)).astype(np.int64)
    count = len(prepared.test)
    if encoder.labels:
        y = part.target[rows]
        shares = np.bincount(part.target, minlength=len(encoder.labels)) / len(part)
        found = {"majority class": score({"probabilities": np.tile(shares.astype(np.float32), (count, 1))})}
    else:
        y = scaled(prepared, part.target[rows])
        found = {"mean": score({"prediction": np.broadcast_to(part.target.mean(0), (count, *part.target.shape[1:]))})}
    if len(np.unique(y)) < 2:
        return found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linear = "logistic regression" if encoder.labels else "ridge regression"
        found[linear] = score(_outputs(prepared, *_linear(encoder, part.inputs, rows, y, prepared.test.inputs)))
        found["gradient-boosted trees"] = score(_outputs(prepared, *_trees(encoder, part.inputs, rows, y, prepared.test.inputs)))
    return found


def _outputs(prepared, found: np.ndarray, classes) -> dict:
    """Predictions as the serving graph gives them; targets that are learned on a logarithmic scale are converted back."""
    if not prepared.encoder.labels:
        return {"prediction": np.exp(found) if prepared.state.log else found}
    p = np.zeros((len(found), len(prepared.encoder.labels)), np.float32)
    p[:, classes] = found
    return {"probabilities": p}


def _linear(encoder: TableEncoder, inputs, rows, y, ask):
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.preprocessing import StandardScaler

    columns = [_one_hot(encoder, name, values) for name, values in inputs.items()]
    others = [_one_hot(encoder, name, ask[name]) for name in inputs]
    x, z = np.concatenate(columns, axis=1), np.concatenate(others, axis=1)
    fill = np.nan_to_num(np.nanmedian(x[rows], axis=0))
    x, z = np.where(np.isnan(x), fill, x)[rows], np.where(np.isnan(z), fill, z)
    scale = StandardScaler().fit(x)
    x, z = scale.transform(x), scale.transform(z)
    if encoder.labels:
        model = LogisticRegression(max_iter=500).fit(x, y)
        return model.predict_proba(z), model.classes_
    return RidgeCV(np.geomspace(1e-2, 1e4, 13)).fit(x, y).predict(z), None


def _one_hot(encoder: TableEncoder, name: str, values: np.ndarray) -> np.ndarray:
    if name not in encoder.codes:
        return values.reshape(len(values), -1).astype(np.float64)
    levels = encoder.cardinalities[encoder.codes.index(name)]
    return np.eye(levels)[values]


def _trees(encoder: TableEncoder, inputs, rows, y, ask):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    few, columns = [], list(inputs)
    for name in columns:
        width = encoder.widths.get(name, 1)
        few += [name in encoder.codes and encoder.cardinalities[encoder.codes.index(name)] <= MOST_LEVELS] * width
    x = np.concatenate([inputs[name][rows].reshape(len(rows), -1).astype(np.float64) for name in columns], axis=1)
    z = np.concatenate([ask[name].reshape(len(ask[name]), -1).astype(np.float64) for name in columns], axis=1)
    kind = HistGradientBoostingClassifier if encoder.labels else HistGradientBoostingRegressor
    with threadpool_limits(1 if len(x) < ONE_THREAD else None, user_api="openmp"):
        grow = lambda y: kind(categorical_features=few if any(few) else None, random_state=0).fit(x, y)  # noqa: E731
        if encoder.labels:
            model = grow(y)
            return model.predict_proba(z), model.classes_
        if y.ndim == 2:
            return np.stack([grow(column).predict(z) for column in y.T], axis=1), None
        return grow(y).predict(z), None
