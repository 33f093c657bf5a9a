"""The comparison of the trunk with the pixels: the closed form against fits without each row, and images of both kinds."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from applied_dl.tasks.image import suitability as module
from applied_dl.tasks.image.suitability import Suitability, explained


def test_the_errors_are_those_of_fits_without_each_row(monkeypatch):
    random = np.random.default_rng(0)
    x = random.normal(size=(30, 6))
    y = x[:, :2] + 0.3 * random.normal(size=(30, 2))
    kernel, penalty = x @ x.T + 1, 0.1
    monkeypatch.setattr(module, "PENALTIES", np.array([penalty / np.linalg.eigvalsh(kernel).mean()]))
    centered = y - y.mean(0)
    left = 0.0
    for i in range(30):
        rest = np.arange(30) != i
        fit = KernelRidge(alpha=penalty, kernel="precomputed").fit(kernel[np.ix_(rest, rest)], centered[rest])
        left += ((fit.predict(kernel[[i]][:, rest])[0] - centered[i]) ** 2).sum()
    assert explained(kernel, y) == pytest.approx(1 - left / (centered**2).sum(), rel=1e-9)


def test_labels_without_a_pattern_are_not_explained():
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(120, 400)), np.eye(3)[random.integers(0, 3, 120)]
    assert explained(module._linear(features), labels) < 0.1
    assert explained(module._radial(features), labels) < 0.1


def test_the_trunk_must_be_clearly_better():
    assert Suitability(trunk=0.55, pixels=0.15).suits
    assert not Suitability(trunk=0.5, pixels=0.83).suits
    assert not Suitability(trunk=0.16, pixels=0.15).suits
    assert "pixels 0%" in Suitability(trunk=0.5, pixels=-0.2).sentence()
