"""Distances of clouds and of shares, compared with scipy, closed forms and cases whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from applied_dl.tasks.generate import measures

random = np.random.default_rng(0)


def test_frechet_is_that_of_the_matrix_square_root():
    from scipy.linalg import sqrtm

    a, b = random.normal(size=(300, 5)) @ random.normal(size=(5, 5)), random.normal(1, 2, (200, 5))
    one, two = np.cov(a.T), np.cov(b.T)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(one + two - 2 * np.real(sqrtm(one @ two)))
    assert measures.frechet(a, b) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.floats(-5, 5), st.floats(0.1, 4), st.integers(2, 6))
def test_frechet_of_shifted_and_stretched_clouds(shift, stretch, width):
    cloud = np.random.default_rng(1).normal(size=(64, width))
    centred = cloud - cloud.mean(0)
    expected = width * shift**2 + (1 - stretch) ** 2 * centred.var(0, ddof=1).sum()
    assert measures.frechet(centred * stretch + shift, centred) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_equal_clouds_have_full_precision_and_recall():
    cloud = random.normal(size=(200, 4))
    found = measures.cloud_scores(cloud, cloud)
    assert found["precision"] == found["recall"] == found["coverage"] == 1
    far = measures.cloud_scores(cloud + 100, cloud)
    assert far == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_a_collapsed_cloud_is_precise_and_covers_little():
    real = random.normal(size=(300, 4))
    found = measures.cloud_scores(real[:1] + random.normal(0, 1e-3, (300, 4)), real)
    assert found["precision"] == 1
    assert found["recall"] < 0.05
    assert found["coverage"] < 0.2


def test_distances_are_those_of_scipy():
    from scipy.spatial.distance import cdist

    a, b = random.normal(size=(20, 7)), random.normal(size=(30, 7))
    np.testing.assert_allclose(measures.distances(a, b), cdist(a, b), atol=1e-4)
    np.testing.assert_allclose(measures.nearest(a, b), cdist(a, b).min(1), atol=1e-4)


def test_pair_error_is_nought_for_equal_rows_and_one_for_disjoint_ones():
    codes = random.integers(0, 3, (500, 3))
    assert measures.pair_error(codes, codes, (6, 6, 6)) == 0
    assert measures.pair_error(codes, codes + 3, (6, 6, 6)) == pytest.approx(1)
    alone = np.stack([random.permutation(column) for column in np.repeat(codes[:, :1], 3, 1).T], 1)
    tied = np.repeat(codes[:, :1], 3, 1)
    assert measures.variation(alone[:, 1], tied[:, 1], 3) == 0  # the columns are right,
    assert measures.pair_error(alone, tied, (3, 3, 3)) > 0.5  # what belongs together is not


def test_association_is_cramers_v():
    from scipy.stats.contingency import association, crosstab

    codes = np.stack([random.integers(0, 4, 400), random.integers(0, 3, 400)], 1)
    codes[:200, 1] = codes[:200, 0] % 3
    expected = association(crosstab(*codes.T).count, method="cramer")
    assert measures.association(codes, (4, 3))[0, 1] == pytest.approx(expected)
    assert measures.association(np.zeros((10, 2), int), (1, 1))[0, 1] == 0  # constant columns
