"""Whether a positive target is learned on a logarithmic scale: where it is skewed, and held-out rows are more likely that way."""

from __future__ import annotations

import numpy as np

SPREAD = 0.8  # least standard deviation of the logarithm: below, both scales are alike
SKEW = 2.0  # least skewness of the target
GAIN = 0.1  # by which the mean log likelihood of a validation row has to rise
MOST_ROWS = 20_000


def prefers_log(x: np.ndarray, y: np.ndarray, x_held: np.ndarray, y_held: np.ndarray) -> bool:
    """Whether gradient-boosted trees explain validation rows better on a logarithmic scale.

    The measure is the likelihood of the targets under normal errors, whose density in units of the target includes the Jacobian of the
    logarithm (Box and Cox, 1964). A scale whose errors are proportional to the value wins where they are.

    Args:
        x, x_held: (N, F) features, NaN where missing.
        y, y_held: (N,) targets.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    if not is_skewed(y) or (y_held <= 0).any() or len(y_held) < 10:
        return False
    x, y = x[:MOST_ROWS], y[:MOST_ROWS]
    with threadpool_limits(1, user_api="openmp"):
        plain = y_held - HistGradientBoostingRegressor(random_state=0).fit(x, y).predict(x_held)
        logged = np.log(y_held) - HistGradientBoostingRegressor(random_state=0).fit(x, np.log(y)).predict(x_held)
    likelihood = -np.log(plain.std() + 1e-300)
    likelihood_of_log = -np.log(logged.std() + 1e-300) - np.log(y_held).mean()
    return bool(likelihood_of_log > likelihood + GAIN)


def is_skewed(y: np.ndarray) -> bool:
    """Whether all values are positive, spread over orders of magnitude, and their logarithm is less skewed than they are."""
    if len(y) < 30 or y.min() <= 0:
        return False
    log = np.log(y)
    return bool(log.std() >= SPREAD and _skewness(y) >= SKEW and abs(_skewness(log)) < _skewness(y))


def _skewness(values: np.ndarray) -> float:
    z = values - values.mean()
    return float((z**3).mean() / max((z**2).mean(), 1e-300) ** 1.5)
