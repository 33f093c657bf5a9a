"""The weights of the members of a blend, chosen on predictions of rows that they were not fitted to."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from applied_dl.tasks.tabular.defaults import STEPLESS

LEAST_WEIGHT = 0.05  # of a member that stays in the file
STORING, LEAST_GAIN = "kernel", 0.01  # the member whose file holds training rows, and the share of the loss that it must take away
TINY = 300  # rows below which the smallest member alone is kept unless the blend is better by a standard error
EM_STEPS = 200


def row_losses(outputs: np.ndarray, y: np.ndarray, classes: bool) -> np.ndarray:
    """(N,): the log loss, or the squared error on the scale of standard deviations."""
    return -np.sum(y * np.log(outputs + 1e-7), axis=-1) if classes else ((outputs - y) ** 2).mean(-1)


def worthwhile(outputs: dict[str, np.ndarray], y: np.ndarray, classes: bool) -> tuple[dict[str, float], float]:
    """As `choose`; the default blend is without the member that stores training rows unless the loss falls by `LEAST_GAIN` of itself."""
    weights, loss = choose(outputs, y, classes)
    if STORING not in weights or tuple(outputs) != STEPLESS:
        return weights, loss
    others, without = choose({name: one for name, one in outputs.items() if name != STORING}, y, classes)
    return (weights, loss) if loss < (1 - LEAST_GAIN) * without else (others, without)


def choose(outputs: dict[str, np.ndarray], y: np.ndarray, classes: bool) -> tuple[dict[str, float], float]:
    """The members that stay, with weights that sum to 1, and the loss of their blend. The first member is the smallest."""
    names = list(outputs)
    weights = blend_weights([outputs[name] for name in names], y, classes)
    kept = [name for name, weight in zip(names, weights) if weight >= LEAST_WEIGHT]
    weights = blend_weights([outputs[name] for name in kept], y, classes)
    losses = row_losses(sum(w * outputs[name] for name, w in zip(kept, weights)), y, classes)
    alone = row_losses(outputs[names[0]], y, classes)
    gain = alone - losses
    if len(y) < TINY and gain.mean() < gain.std() / np.sqrt(len(gain)):
        return {names[0]: 1.0}, float(alone.mean())
    return {name: float(weight) for name, weight in zip(kept, weights)}, float(losses.mean())


def blend_weights(outputs: list[np.ndarray], y: np.ndarray, classes: bool) -> np.ndarray:
    """Weights of at least 0 that sum to 1 with the lowest squared error, or the lowest log loss of the mixture of probabilities.

    Args:
        outputs: predictions (N, O) of each member.
        y: targets (N, O).
    """
    if not classes:
        columns = np.stack([one.ravel() for one in outputs], axis=1)
        strong = 1e3 * np.sqrt(len(y))  # the sum is 1
        found = nnls(np.concatenate([columns, np.full((1, len(outputs)), strong)]), np.concatenate([y.ravel(), [strong]]))[0]
        return found / found.sum()
    likelihood = np.stack([(one * y).sum(1) for one in outputs], axis=1) + 1e-7
    weights = np.full(len(outputs), 1 / len(outputs))
    for _ in range(EM_STEPS):  # expectation maximisation of the shares of a mixture
        weights = weights * (likelihood / (likelihood @ weights)[:, None]).mean(0)
    return weights / weights.sum()
