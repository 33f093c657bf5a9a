"""Whether the trunk inside the package suits somebody's images: its features against their pixels, cross-validated on training images."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from applied_dl.tasks.image.baselines import small_pixels
from applied_dl.tasks.image.models.backbone import backbone
from applied_dl.vision.models.trunk import EMBEDDED

SAMPLE = 500  # training images that are compared
LARGE, ENLARGED = 128, 96  # sides at which the trunk sees them: large images, and images that are smaller than the second
MARGIN = 0.9  # the trunk must leave less than this share of the variance that the pixels leave
PENALTIES = np.geomspace(1e-4, 1e2, 19)


class Suitability(Struct, frozen=True, kw_only=True):
    """Shares of the variance of the labels that are explained in leave-one-out cross-validation: by the trunk, and by the pixels."""

    trunk: float
    pixels: float

    @property
    def suits(self) -> bool:
        """Whether the trunk is clearly better."""
        return 1 - self.trunk < MARGIN * (1 - self.pixels)

    def sentence(self) -> str:
        """What was found, for the user."""
        found = f"its features explain {max(self.trunk, 0):.0%} of the labels in cross-validation, pixels {max(self.pixels, 0):.0%}"
        if self.suits:
            return f"the pretrained trunk of the package is used: {found}"
        return f"trained from scratch, without the pretrained trunk of the package: {found}"


def suitability(images: np.ndarray, target: np.ndarray) -> Suitability:
    """Compare ridge regression on the trunk's features with kernel ridge regression on small pixels.

    Args:
        images: training images, uint8 (N, H, W, 3).
        target: (N, C) of 0 and 1, or (N, 1).
    """
    rows = np.unique(np.linspace(0, len(images) - 1, min(len(images), SAMPLE)).astype(int))
    images, target = np.ascontiguousarray(images[rows]), np.asarray(target, np.float64)[rows]
    side = LARGE if min(images.shape[1:3]) > ENLARGED else ENLARGED
    trunk = backbone(images.shape[1:], 1, weights=EMBEDDED, resolution=side, include_top=False)
    features = trunk.predict(images.astype(np.float32), batch_size=50, verbose=0)
    return Suitability(trunk=explained(_linear(features), target), pixels=explained(_radial(small_pixels(images)), target))


def explained(kernel: np.ndarray, target: np.ndarray) -> float:
    """The share of the variance that kernel ridge regression explains in leave-one-out cross-validation, under its best penalty.

    The errors of all N fits without a row come from one eigendecomposition (Allen's PRESS).

    Args:
        kernel: (N, N).
        target: (N, C).
    """
    values, axes = np.linalg.eigh(kernel)
    centered = target - target.mean(0)
    turned, total = axes.T @ centered, (centered**2).sum()
    if not total:
        return 0.0
    left = []
    for penalty in PENALTIES * max(values.mean(), 1e-12):
        inverse = 1 / (np.maximum(values, 0) + penalty)
        errors = (axes @ (inverse[:, None] * turned)) / ((axes**2) @ inverse)[:, None]
        left.append((errors**2).sum())
    return float(1 - min(left) / total)


def _linear(features: np.ndarray) -> np.ndarray:
    """Of features by their deviation. Not of centred ones: their sum is 0, which gives each row away to those that leave it out."""
    x = features.astype(np.float64) / np.maximum(features.std(0), 1e-6)
    return x @ x.T / x.shape[1]


def _radial(pixels: np.ndarray) -> np.ndarray:
    """exp(-d² / mean d²), which is near 1/e for two images drawn at random."""
    x = pixels.astype(np.float64)
    squares = (x**2).sum(1)
    distances = np.maximum(squares[:, None] + squares[None] - 2 * x @ x.T, 0)
    return np.exp(-distances / max(distances.mean(), 1e-12))
