"""Weights of a blend: on the simplex, of few rows, and of a member that stores rows."""

import numpy as np
import pytest

from applied_dl.tasks.tabular.fit.weights import blend_weights, choose, worthwhile


def test_weights_are_those_of_least_squares_on_the_simplex_and_of_a_mixture():
    random = np.random.default_rng(2)
    y = random.normal(size=(400, 1))
    good, noisy, opposite = y + 0.3 * random.normal(size=y.shape), y + 0.6 * random.normal(size=y.shape), -y
    found = blend_weights([good, noisy, opposite], y, False)
    assert found.sum() == pytest.approx(1)
    assert found[2] < 0.05
    assert found[0] / found[1] == pytest.approx(4, rel=0.35)  # as the reciprocal variances
    labels = np.eye(2)[random.integers(0, 2, 400)]
    sure = 0.9 * labels + 0.05
    assert blend_weights([np.full((400, 2), 0.5), sure], labels, True)[1] > 0.99


def test_the_smallest_member_of_a_tiny_table_stays_alone_where_the_others_add_nothing():
    random = np.random.default_rng(3)
    y = random.normal(size=(80, 1))
    alike = {name: y + 0.5 + 1e-3 * random.normal(size=y.shape) for name in ("linear", "trees")}
    assert list(choose(alike, y, False)[0]) == ["linear"]
    better = {"linear": y + random.normal(size=y.shape), "trees": y + 0.1 * random.normal(size=y.shape)}
    assert choose(better, y, False)[0].get("trees", 0) > 0.9


def test_rows_are_stored_only_where_the_error_falls_by_a_hundredth():
    random = np.random.default_rng(3)
    y = random.normal(size=(900, 1))
    trees = y + 0.3 * random.normal(size=y.shape)
    poor = {name: 3 * random.normal(size=y.shape) for name in ("linear", "waves")}
    little = {**poor, "trees": trees, "kernel": y + 2 * random.normal(size=y.shape)}
    assert "kernel" not in worthwhile(little, y, False)[0]
    other = {**poor, "trees": trees, "kernel": y + 0.3 * random.normal(size=y.shape)}
    assert worthwhile(other, y, False)[0]["kernel"] > 0.3
