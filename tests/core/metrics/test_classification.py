"""Metrics and intervals compared with scikit-learn and SciPy on random rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from applied_dl.core.metrics import classification, regression, similarity
from applied_dl.core.metrics.intervals import bootstrap, bootstrap_mean, wilson
from applied_dl.core.records import Scores

seeds = st.integers(0, 10_000)


def rows(seed, classes=4, n=60):
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.ones(classes), n)
    return random.integers(0, classes, n), p


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_classification_metrics_equal_scikit_learn(seed):
    y, p = rows(seed)
    hit = p.argmax(1)
    assert classification.accuracy(y, p) == pytest.approx(reference.accuracy_score(y, hit))
    assert classification.log_loss(y, p) == pytest.approx(reference.log_loss(y, p, labels=range(4)), abs=1e-5)
    present = np.union1d(y, hit)
    assert classification.f1(y, p) == pytest.approx(reference.f1_score(y, hit, average="macro", labels=present))
    assert classification.top_k_accuracy(y, p, 2) == pytest.approx(reference.top_k_accuracy_score(y, p, k=2, labels=range(4)))
    np.testing.assert_array_equal(classification.confusion_matrix(y, hit, 4), reference.confusion_matrix(y, hit, labels=range(4)))
    binary = y % 2
    if 0 < binary.sum() < len(binary):
        score = np.round(p[:, 0], 1)  # ties
        assert classification.auc(binary, score) == pytest.approx(reference.roc_auc_score(binary, score))


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_multi_label_metrics(seed):
    random = np.random.default_rng(seed)
    y, p = random.integers(0, 2, (50, 5)), random.random((50, 5))
    y[0] = 1
    assert classification.mean_average_precision(y, p) == pytest.approx(reference.average_precision_score(y, p, average="macro"))
    assert classification.f1(y, p) == pytest.approx(reference.f1_score(y, p >= 0.5, average="macro"))


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_regression_metrics(seed):
    random = np.random.default_rng(seed)
    y, p = random.normal(size=40), random.normal(size=40)
    assert regression.rmse(y, p) == pytest.approx(reference.root_mean_squared_error(y, p))
    assert regression.mae(y, p) == pytest.approx(reference.mean_absolute_error(y, p))
    assert regression.r2(y, p) == pytest.approx(reference.r2_score(y, p))
    assert similarity.spearman(np.round(y, 1), np.round(p, 1)) == pytest.approx(stats.spearmanr(np.round(y, 1), np.round(p, 1)).statistic)


def test_constant_and_empty_truths():
    constant = np.ones(5)
    assert regression.r2(constant, constant) == 1.0
    assert regression.r2(constant, constant + 1) == 0.0
    assert np.isnan(similarity.spearman(constant, np.arange(5)))
    assert np.isnan(classification.auc(np.ones(4), np.arange(4)))
    assert regression.coverage(np.array([1, 2, 3]), np.array([0, 2, 4]), np.array([1, 2, 5])) == pytest.approx(2 / 3)


def test_calibration_error_of_a_known_table():
    p = np.array([[0.8, 0.2]] * 10)
    y = np.array([0] * 6 + [1] * 4)
    assert classification.expected_calibration_error(y, p) == pytest.approx(0.2)


def test_wilson_equals_scipy():
    for hits, n in ((0, 10), (7, 10), (10, 10), (994, 1000)):
        expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
        assert wilson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_the_bootstrap_covers_the_mean_in_95_percent():
    hits = 0
    for seed in range(100):
        x = np.random.default_rng(seed).exponential(size=80)
        low, high = bootstrap_mean(x, seed=seed, repeats=200)
        hits += low <= 1.0 <= high
    assert 84 <= hits <= 100
    x = np.arange(20.0)
    assert bootstrap(lambda a: a.mean(), x, seed=1, repeats=300) == pytest.approx(bootstrap_mean(x, seed=1, repeats=300))


def test_a_drop_is_a_difference_for_shares_and_relative_for_errors():
    def scores(main, value):
        return Scores(main=main, metrics={main: value})

    assert scores("accuracy", 0.90).drop_against(scores("accuracy", 0.95)) == pytest.approx(0.05)
    assert scores("rmse", 2.2).drop_against(scores("rmse", 2.0)) == pytest.approx(0.1)
    assert scores("rmse", 1.8).drop_against(scores("rmse", 2.0)) == pytest.approx(-0.1)
    assert scores("rmse", 0.2).drop_against(scores("rmse", 0.1), unseen=2.0) == pytest.approx(0.05)  # of the error on unseen rows
    assert scores("rmse", 2.2).drop_against(scores("rmse", 2.0), unseen=1.0) == pytest.approx(0.1)
    assert scores("accuracy", 0.90).drop_against(scores("accuracy", 0.95), unseen=0.8) == pytest.approx(0.05)


def test_half_samples_give_the_standard_error_of_a_mean():
    """Shao and Wu (1989): over random halves a mean spreads by its standard error; s / √n is the independent figure."""
    from applied_dl.core.metrics.intervals import half_samples

    values = np.random.default_rng(0).normal(size=4000)
    means = [values[rows].mean() for rows in half_samples(4000, repeats=400)]
    assert np.std(means) == pytest.approx(values.std() / np.sqrt(4000), rel=0.35)  # 40 blocks are a rough estimate
    for rows in half_samples(30, unit=3, repeats=20):
        assert len(set(rows.tolist())) == len(rows) == 15
        assert (rows.reshape(-1, 3) == rows[::3, None] + np.arange(3)).all()
        assert (rows[::3] % 3 == 0).all()
