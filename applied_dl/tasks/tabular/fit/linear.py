"""Training of a linear net: by gradient steps and in closed form; the better of the two on validation rows is kept."""

from __future__ import annotations

import warnings

import keras
import numpy as np

from applied_dl.core.records import STOPPED, Fitted
from applied_dl.tasks.tabular.arrays import matrices, targets
from applied_dl.tasks.tabular.fit.net import balanced, fit_net
from applied_dl.tasks.tabular.models.answers import Probabilities
from applied_dl.training.class_weights import class_weights

SOLVED = ("mse", "crossentropy")  # losses with a direct solver
PENALTIES = np.geomspace(1e-2, 1e4, 19)  # of ridge, chosen by leave-one-out on training rows
STRENGTHS, FOLDS = np.geomspace(1e-3, 1e2, 11), 5  # of logistic regression, chosen by cross-validation on training rows
MOST_ROWS = 5000  # most training rows for cross-validation; above, the strength is 1


def fit_linear(recipe, prepared, trainer, tag: str) -> Fitted:
    """The linear net by gradient steps, or ridge or logistic regression where its validation loss is lower."""
    fitted = fit_net(recipe, prepared, trainer, tag)
    free = not (recipe.train.l1 or recipe.train.l2 or recipe.train.max_norm or recipe.train.label_smoothing)
    if recipe.train.loss not in SOLVED or not free or not fitted.history.rows or fitted.history.stopped == STOPPED:
        return fitted
    head = fitted.model.get_layer("head")
    stepped = [np.asarray(keras.ops.convert_to_numpy(v)) for v in head.weights]
    before = _loss(fitted.model, prepared)
    head.set_weights(_solved(recipe, prepared, keras.Model(fitted.model.input, head.input), stepped[0].shape))
    if not _loss(fitted.model, prepared) < before:
        head.set_weights(stepped)
    return fitted


def _loss(model: keras.Model, prepared) -> float:
    """Mean squared error or log loss on validation rows."""
    part = prepared.validation
    raw = model.predict(matrices(prepared.encoder, part.inputs), batch_size=1024, verbose=0)
    if not prepared.encoder.labels:
        return float(np.mean((raw[:, 0] - targets(prepared, part)[:, 0]) ** 2))
    p = np.asarray(Probabilities()(raw))
    return float(-np.mean(np.log(p[np.arange(len(p)), part.target] + 1e-7)))


def _solved(recipe, prepared, features: keras.Model, shape) -> list[np.ndarray]:
    """Kernel and bias of the head: ridge or logistic regression on its inputs for the training rows."""
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeCV

    x = features.predict(matrices(prepared.encoder, prepared.train.inputs), batch_size=1024, verbose=0).astype(np.float64)
    deviation = np.where(x.std(0) > 0, x.std(0), 1.0)
    y, labels = prepared.train.target, prepared.encoder.labels
    if not labels:
        known = targets(prepared, prepared.train)[:, 0]
        found = RidgeCV(PENALTIES).fit(x / deviation, known[:, 0] if known.shape[1] == 1 else known)
        coefficients = np.atleast_2d(found.coef_ / deviation)
        return [coefficients.T.astype(np.float32), np.atleast_1d(found.intercept_).astype(np.float32)]
    rows, weight = balanced(y, recipe), class_weights(y, labels, recipe.train.class_weights)
    weight = None if weight is None else weight[rows]
    small = len(rows) <= MOST_ROWS and np.bincount(y[rows]).min() >= FOLDS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = (
            LogisticRegressionCV(Cs=STRENGTHS, cv=FOLDS, scoring="neg_log_loss", max_iter=1000)
            if small
            else LogisticRegression(max_iter=500)
        )
        found = kind.fit(x[rows] / deviation, y[rows], weight)
    kernel, bias = np.zeros(shape, np.float32), np.full(shape[1], -20.0, np.float32)  # a class without a training row is never predicted
    coefficients, intercept = found.coef_, found.intercept_
    if len(found.classes_) == 2:  # one row of coefficients: the second class against the first
        coefficients, intercept = np.concatenate([-coefficients, coefficients]) / 2, np.concatenate([-intercept, intercept]) / 2
    kernel[:, found.classes_], bias[found.classes_] = (coefficients / deviation).T, intercept
    return [kernel, bias]
