"""Logarithms of targets for single members of a blend: prices and wages multiply, and a sum of effects fits their logarithm."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from applied_dl.tasks.tabular.models.answers import Exponential

ON_BOTH_SCALES = ("linear", "waves", "kernel")  # that are fitted on both scales; trees would take twice the longest time of all
LEAST_RATIO = 1.5  # of the largest to the smallest target; where they are nearer, both scales are alike
LEAST_GAIN = 0.02  # share of the squared error by which the logarithmic scale must be better
BEYOND = 0.5  # how far a predicted logarithm may leave the training range, in deviations


class LogScale(NamedTuple):
    """Standardised targets y = exp(z · spread + center) − offset, with z the standardised logarithms. All (O,).

    least, most: the range of z, beyond which exponentials are not trusted. gain: the factor by which exponentials of predicted logarithms,
    which are near the median, are multiplied so that they add up to the targets (Duan, Smearing Estimate, 1983).
    """

    center: np.ndarray
    spread: np.ndarray
    offset: np.ndarray
    least: np.ndarray
    most: np.ndarray
    gain: np.ndarray

    def of(self, y: np.ndarray) -> np.ndarray:
        """(N, O) targets → logarithms; values below the training range count as its end."""
        return (np.log(np.maximum(y + self.offset, np.exp(self.least * self.spread + self.center))) - self.center) / self.spread

    def exponential(self, z: np.ndarray) -> np.ndarray:
        """(…, O) predicted logarithms → standardised targets."""
        return self._positive(z) * self.gain - self.offset

    def adding_up(self, z: np.ndarray, y: np.ndarray) -> LogScale:
        """The scale on which predictions z (N, O) add up to the targets y (N, O)."""
        return self._replace(gain=(y + self.offset).sum(0) / self._positive(z).sum(0))

    def _positive(self, z: np.ndarray) -> np.ndarray:
        """What exponentials of predictions (…, O) are without the gain, in proportion to the targets."""
        return np.exp(np.clip(z, self.least - BEYOND, self.most + BEYOND) * self.spread + self.center)

    def layer(self, name: str) -> Exponential:
        """What `exponential` does, in a graph."""
        center = self.center + np.log(self.gain)
        low, high = (end.tolist() for end in (self.least - BEYOND, self.most + BEYOND))
        return Exponential(center.tolist(), self.spread.tolist(), self.offset.tolist(), low, high, dtype="float32", name=name)


def log_scale(y: np.ndarray, offset: np.ndarray) -> LogScale | None:
    """The logarithmic scale of targets, or None where they are not positive or hardly differ.

    Args:
        y: standardised targets (N, O).
        offset: mean over deviation (O,) of the targets, which makes y proportional to them.
    """
    positive = y + offset
    if positive.min() <= 0 or (positive.max(0) < LEAST_RATIO * positive.min(0)).any():
        return None
    z = np.log(positive)
    center, spread = z.mean(0), z.std(0)
    ends = ((end - center) / spread for end in (z.min(0), z.max(0)))
    return LogScale(center, spread, np.asarray(offset, float), *ends, np.ones_like(center))
