"""Metrics of word vectors on tables with known results."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from applied_dl.core.metrics.words import analogies, score_analogies, score_neighbours, score_similarity, solve_analogies


def test_similarity_equals_scipys_rank_correlation():
    rng = np.random.default_rng(0)
    vectors, wanted = rng.normal(size=(80, 5)), rng.integers(0, 6, 40).astype(float)
    a, b = vectors[0::2], vectors[1::2]
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    found = score_similarity(vectors, np.repeat(wanted, 2))
    assert found.value == pytest.approx(spearmanr(wanted, cosine).statistic, abs=1e-6)
    low, high = found.intervals["spearman"]
    assert low <= found.value <= high


def test_the_auc_of_neighbours_with_ties():
    one, two = np.eye(2)
    found = score_neighbours(np.array([one, one, two, one, two, one, one, two, two, one, one, two]))
    assert found.value == pytest.approx((1 + 0 + 0.5 + 1) / 4)
    assert score_neighbours(np.zeros((3, 2))).value == 0.5


def test_analogies_equal_brute_force():
    rng = np.random.default_rng(1)
    table, questions = rng.normal(size=(60, 8)), rng.integers(0, 50, (700, 4))
    found = solve_analogies(table, questions, restrict=50)
    near = table[:50] / np.linalg.norm(table[:50], axis=1, keepdims=True)
    for (a, b, c, _), answer in zip(questions[:100], found):
        scores = near @ (near[b] - near[a] + near[c])
        scores[[a, b, c]] = -np.inf
        assert answer == scores.argmax()
    questions[:, 3] = found
    assert analogies(table, questions, 50)[0] == 1
    assert analogies(table, questions[:0])[0] == 0
    beyond = np.vstack([questions, [[1, 2, 3, 55]]])  # questions with a word beyond the first ones are skipped
    assert analogies(table, beyond, 50)[0] == 1
    assert score_analogies(table, questions).main == "analogy"
