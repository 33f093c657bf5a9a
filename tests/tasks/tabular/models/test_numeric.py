"""What the training rows say of numbers, beside scikit-learn and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.tree import DecisionTreeRegressor

from applied_dl.tasks.tabular.models.numeric import fit_numbers, pair_axes, quantile_bins, target_bins


def test_robust_and_standard_statistics():
    x = np.array([[0.0, 5], [1, 5], [2, np.nan], [3, 5], [100, 6]])
    found = fit_numbers(x, "robust")
    assert found.center.tolist() == [2, 5]
    np.testing.assert_allclose(found.scale, [1 / 2, 1 / 0.5])  # the second has no quartile range: half its span
    assert found.missing == (1,)
    assert found.fill.tolist() == [2, 5]
    plain = fit_numbers(x[:, :1], "standard")
    np.testing.assert_allclose([plain.center[0], 1 / plain.scale[0]], [x[:, 0].mean(), x[:, 0].std()], rtol=1e-6)


def test_components_are_white_and_span_what_pca_does():
    random = np.random.default_rng(0)
    x = random.normal(size=(500, 4)) @ random.normal(size=(4, 4))
    found = fit_numbers(x, "standard", components=2)
    z = (x - found.center) * found.scale
    white = z @ found.axes
    np.testing.assert_allclose(np.cov(white.T), np.eye(2), atol=1e-2)
    theirs = PCA(2, whiten=True).fit_transform(z)
    cosine = np.sum(white * theirs, 0) / np.linalg.norm(white, axis=0) / np.linalg.norm(theirs, axis=0)
    np.testing.assert_allclose(np.abs(cosine), 1, atol=1e-5)


def test_target_bins_are_the_cuts_of_a_regression_tree():
    random = np.random.default_rng(1)
    x = random.normal(size=(800, 1))
    y = np.sin(3 * x[:, 0]) + 0.1 * random.normal(size=800)
    tree = DecisionTreeRegressor(max_leaf_nodes=12, min_samples_leaf=40, random_state=0).fit(x, y)
    cuts = np.sort(tree.tree_.threshold[tree.tree_.feature == 0])
    np.testing.assert_allclose(target_bins(x, y, most=12)[0][1:-1], cuts, rtol=1e-4)


def test_quantile_bins_hold_equal_shares():
    x = np.random.default_rng(2).exponential(size=(1000, 1))
    edges = quantile_bins(x, 10)[0]
    counts = np.histogram(x[:, 0], edges)[0]
    assert counts.min() >= 95
    assert counts.max() <= 105


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=60))
def test_bins_ascend_whatever_the_numbers(values):
    x = np.array(values)[:, None]
    for edges in (*quantile_bins(x, 8), *target_bins(x, x[:, 0], 8, 3)):
        assert len(edges) >= 2
        assert (np.diff(edges) > 0).all()


def test_constant_columns_do_not_divide_by_zero():
    assert np.isfinite(fit_numbers(np.ones((9, 2)), "robust").scale).all()
    assert fit_numbers(np.full((9, 1), 7.0), "standard").scale == pytest.approx([1.0])


def test_bins_are_not_wasted_on_values_that_many_rows_share():
    random = np.random.default_rng(3)
    gain = np.where(random.random(2000) < 0.92, 0.0, random.lognormal(8, 1, 2000))[:, None]
    edges = quantile_bins(gain, 20)[0]
    assert 18 <= len(edges) <= 21
    assert edges[0] == 0
    counts = np.histogram(gain[gain > 0], edges[1:])[0]
    assert counts.max() <= 2 * (gain > 0).sum() / 18
    few = quantile_bins(np.array([[1.0], [2.0], [2.0], [5.0]]), 20)[0]
    assert few.tolist() == [1, 2, 5]


def test_pairs_are_sums_and_differences_of_the_columns_that_go_together():
    random = np.random.default_rng(2)
    a, b = random.normal(0, 3, 700), random.normal(5, 1, 700)
    z = np.stack([a, b, random.normal(size=700), 40 - 2 * a + random.normal(size=700), 9 * b + random.normal(size=700), np.ones(700)], 1)
    unit = (z - z.mean(0)) / np.where(z.std(0) > 0, z.std(0), 1)
    wanted = np.stack([unit[:, 0] + unit[:, 3], unit[:, 0] - unit[:, 3], unit[:, 1] + unit[:, 4], unit[:, 1] - unit[:, 4]], 1) / np.sqrt(2)
    found = z @ pair_axes(z)
    np.testing.assert_allclose(found - found.mean(0), wanted, atol=0.02)
    kept = pair_axes(z)
    assert (kept.astype(np.float16) == kept).all()
    assert pair_axes(np.stack([a, b], 1)) is None
    assert pair_axes(a[:, None]) is None
    assert pair_axes(np.stack([a, 7 * a + 1], 1)).shape == (2, 1)  # their difference is what rounding leaves


def test_the_pairs_of_a_wide_table_are_few_and_those_that_go_together_most():
    random = np.random.default_rng(3)
    base = random.normal(size=(400, 50))
    copies = base + np.linspace(0.05, 1, 50) * random.normal(size=(400, 50))
    axes = pair_axes(np.concatenate([base, copies], axis=1))
    assert axes.shape == (100, 64)
    assert np.abs(axes[:25]).sum(1).min() > 0
    assert np.abs(axes[45:50]).sum() == 0
