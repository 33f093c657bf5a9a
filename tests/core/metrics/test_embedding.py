"""Metrics of embeddings compared with loops and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from applied_dl.core.metrics.embedding import linear_probe, ranks_of_own, score_pairs
from applied_dl.core.metrics.similarity import spearman

RANDOM = np.random.default_rng(0)


def unit(n, d):
    x = RANDOM.normal(size=(n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 3)), min_size=3, max_size=40))
def test_spearman_equals_scipy_with_ties(rows):
    a, b = np.array(rows, float).T
    wanted = spearmanr(a, b).statistic if len(set(a)) > 1 and len(set(b)) > 1 else float("nan")
    assert spearman(a, b) == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_ranks_and_recall_equal_a_loop():
    queries, items = unit(600, 4), unit(600, 4)  # more than one block
    items[:300] = queries[:300]
    scores = queries @ items.T
    wanted = np.array([sum(scores[i, j] > scores[i, i] for j in range(600) if j != i) for i in range(600)])
    found = ranks_of_own(queries, items)
    assert np.mean(found == wanted) > 0.99  # ties by rounding may count half


def test_identical_vectors_have_no_advantage():
    same = np.tile(unit(1, 4), (40, 1))
    np.testing.assert_array_equal(ranks_of_own(same, same), np.full(40, 19))
    found = score_pairs(np.tile(unit(1, 4), (80, 1)), np.full(80, np.nan))
    assert found.metrics["recall_at_k"] == 0


def test_scored_pairs_are_ranked_and_the_others_retrieved():
    vectors = unit(60, 5)
    score = np.repeat(np.concatenate([RANDOM.uniform(size=20), np.full(10, np.nan)]), 2)
    found = score_pairs(vectors, score)
    cosine = (vectors[0::2] * vectors[1::2]).sum(1)[:20]
    assert found.main == "spearman"
    assert found.metrics["spearman"] == pytest.approx(spearmanr(score[0:40:2], cosine).statistic)
    low, high = found.intervals["spearman"]
    assert low < found.metrics["spearman"] < high
    a, b = vectors[40::2], vectors[41::2]
    place = np.array([sum(a[i] @ b[j] > a[i] @ b[i] for j in range(10) if j != i) for i in range(10)])
    assert found.metrics["recall_at_k"] == pytest.approx(np.mean(place < 1))
    assert found.metrics["mrr"] == pytest.approx(np.mean(1 / (1 + place)))


def test_a_probe_finds_linear_classes_only():
    vectors = unit(300, 6)
    assert linear_probe(vectors, (vectors[:, 0] > 0).astype(int)) > 0.9
    assert linear_probe(vectors, RANDOM.integers(0, 3, 300)) == pytest.approx(1 / 3, abs=0.1)
