"""Whether a positive target is learned on a logarithmic scale: where it is skewed, and held-out rows are more likely that way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SPREAD = 0.8  # least standard deviation of the logarithm: below, both scales are alike
SKEW = 2.0  # least skewness of the target
GAIN = 0.1  # by which the mean log likelihood of a validation row has to rise
MOST_ROWS = 20_000  # of each part, from everywhere in it: the rows of a file may be sorted
MOST_ERROR = 1.05  # root mean squared error on the logarithmic scale, as a share of that on the plain one
CROSSED, FOLDS = 5000, 5  # rows up to which it is cross-validated
ONE_HOT = 50  # most codes of a category that a linear model takes
PENALTIES = np.geomspace(1e-2, 1e4, 10)


def prefers_log(inputs: dict[str, np.ndarray], y: np.ndarray, held: dict[str, np.ndarray], y_held: np.ndarray) -> bool:
    """Whether rows are explained better on a logarithmic scale.

    The likelihood of validation targets under normal errors of boosted trees decides; in units of the target it includes the Jacobian of
    the logarithm (Box and Cox, 1964). A scale whose errors are proportional to the value wins where they are. It must not cost accuracy,
    as it does where the target is a sum of columns: the squared error of boosted trees or ridge regression may hardly rise.

    Args:
        inputs, held: encoded columns of the training and the validation rows: numbers with NaN where missing, int32 codes.
        y, y_held: (N,) targets.
    """
    from threadpoolctl import threadpool_limits

    if not is_skewed(y) or (y_held <= 0).any() or len(y_held) < 10:
        return False
    inputs, y = _some(inputs, y)
    held, y_held = _some(held, y_held)
    x, flat, x_held = _numbers(inputs), _flat(inputs, inputs), _numbers(held)
    with threadpool_limits(1, user_api="openmp"):
        plain, logged = y_held - _trees(x, y, x_held), np.log(y_held) - _trees(x, np.log(y), x_held)
        gain = np.log(plain.std() + 1e-300) - np.log(logged.std() + 1e-300) - np.log(y_held).mean()
        if gain <= GAIN:
            return False
        x, flat, every = np.concatenate([x, x_held]), np.concatenate([flat, _flat(held, inputs)]), np.concatenate([y, y_held])
        fold = np.random.default_rng(0).permutation(len(every)) % FOLDS if len(every) <= CROSSED else (np.arange(len(every)) >= len(y)) - 1
        ways = ((x, _trees), (flat, _ridge))
        plain_error, log_error = (min(_error(features, every, fold, fit, log) for features, fit in ways) for log in (False, True))
    return bool(log_error <= MOST_ERROR * plain_error)


def _some(inputs: dict[str, np.ndarray], y: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """At most `MOST_ROWS` rows, evenly over all of them."""
    every = slice(None, None, max(1, -(-len(y) // MOST_ROWS)))
    return {name: values[every] for name, values in inputs.items()}, y[every]


def _error(x: np.ndarray, y: np.ndarray, fold: np.ndarray, fit: Callable, log: bool) -> float:
    """The root mean squared error on the rows of each fold of a model that is fitted to all others. Fold −1 is never predicted.

    Exponentials of logarithms are scaled so that they add up to the targets, as predictions are.
    """
    z, found = np.log(y) if log else y, np.full(len(y), np.nan)
    for k in range(fold.max() + 1):
        found[fold == k] = np.clip(fit(x[fold != k], z[fold != k], x[fold == k]), z.min(), z.max())
    p, y = found[fold >= 0], y[fold >= 0]
    p = np.exp(p) * y.sum() / np.exp(p).sum() if log else p
    return float(np.sqrt(np.mean((p - y) ** 2)))


def _trees(x: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingRegressor

    used = ~np.isnan(x).all(0)  # a fold may have no value of a rare column, which binning does not take
    if not used.any():
        return np.full(len(held), y.mean())
    return HistGradientBoostingRegressor(random_state=0).fit(x[:, used], y).predict(held[:, used])


def _ridge(x: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import RidgeCV

    return RidgeCV(PENALTIES).fit(x, y).predict(held)


def _numbers(inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Columns side by side (N, F), codes as numbers."""
    return np.concatenate([values.reshape(len(values), -1).astype(np.float64) for values in inputs.values()], axis=1)


def _flat(inputs: dict[str, np.ndarray], known: dict[str, np.ndarray]) -> np.ndarray:
    """Columns for a linear model (N, D): numbers scaled by the `known` rows and filled with their median, few codes one-hot."""
    found = [np.zeros((len(next(iter(inputs.values()))), 1))]
    for name, values in inputs.items():
        if values.dtype == np.int32:
            codes = np.unique(known[name])
            found += [(values[:, None] == codes).astype(np.float64)] if len(codes) <= ONE_HOT else []
            continue
        x, base = (one.reshape(len(one), -1).astype(np.float64) for one in (values, known[name]))
        used = ~np.isnan(base).all(0)
        x, base = x[:, used], base[:, used]
        fill = np.nanmedian(base, axis=0)
        base, x = np.where(np.isnan(base), fill, base), np.where(np.isnan(x), fill, x)
        scale = base.std(0)
        found.append((x - base.mean(0)) / np.where(scale > 0, scale, 1.0))
    return np.concatenate(found, axis=1)


def is_skewed(y: np.ndarray) -> bool:
    """Whether all values are positive, spread over orders of magnitude, and their logarithm is less skewed than they are."""
    if len(y) < 30 or y.min() <= 0:
        return False
    log = np.log(y)
    return bool(log.std() >= SPREAD and _skewness(y) >= SKEW and abs(_skewness(log)) < _skewness(y))


def _skewness(values: np.ndarray) -> float:
    z = values - values.mean()
    return float((z**3).mean() / max((z**2).mean(), 1e-300) ** 1.5)
