import numpy as np
import pytest

from applied_dl.core.records import Part
from applied_dl.tasks.recommend.scores import ranked, score_ranking, score_ratings, user_metrics


def test_ndcg_recall_and_reciprocal_rank_by_hand():
    items = np.arange(1, 31)[None].repeat(3, 0)
    relevant = np.array([[1, 3, 0], [25, 0, 0], [99, 0, 0]])
    found = user_metrics(items, relevant)
    ideal = 1 + 1 / np.log2(3)
    np.testing.assert_allclose(found["ndcg_at_10"], [(1 + 1 / 2) / ideal, 0, 0])
    np.testing.assert_allclose(found["recall_at_20"], [1, 0, 0])
    np.testing.assert_allclose(found["mrr"], [1, 1 / 25, 0])


def test_ndcg_is_that_of_scikit_learn():
    from sklearn.metrics import ndcg_score

    random = np.random.default_rng(0)
    scores = random.random((20, 40))
    truth = random.random((20, 40)) < 0.1
    truth[:, 0] = True
    relevant = np.zeros((20, 40), int)
    for row, own in enumerate(truth):
        relevant[row, : own.sum()] = np.flatnonzero(own) + 1
    top = ranked(np.pad(scores, ((0, 0), (1, 0))), np.zeros((20, 41)), 40)["items"]
    assert user_metrics(top, relevant)["ndcg_at_10"].mean() == pytest.approx(ndcg_score(truth, scores, k=10))


def test_what_was_seen_is_never_ranked_and_empty_places_are_zero():
    found = ranked(np.array([[9.0, 3, 2, 1]]), np.array([[0, 1, 0, 1]]), 10)
    assert found["items"].tolist() == [[2, 0, 0]]
    assert found["scores"].tolist() == [[2, 0, 0]]


def test_intervals_are_over_users_and_hold_the_metric():
    random = np.random.default_rng(0)
    truth = np.where(random.random((200, 6)) < 0.7, random.integers(1, 6, (200, 6)), np.nan).astype(np.float32)
    truth[:, 0] = 3
    outputs = {"asked": np.nan_to_num(truth) + random.normal(0, 0.5, truth.shape)}
    part = Part(inputs={"user": np.arange(200)}, target=truth, extra={"activity": random.integers(1, 50, 200)})
    scores = score_ratings(outputs, part)
    assert scores.metrics["rmse"] == pytest.approx(0.5, abs=0.05)
    assert scores.intervals["rmse"][0] < scores.metrics["rmse"] < scores.intervals["rmse"][1]
    assert sum(one.rows for one in scores.slices.values()) == 200


def test_coverage_counts_items_and_novelty_bits():
    part = Part(inputs={"user": np.arange(2)}, extra={"relevant": np.array([[1], [2]]), "activity": np.array([1, 1])})
    popularity = np.array([0, 3, 1, 0, 4])
    scores = score_ranking({"items": np.array([[1, 2], [1, 0]])}, part, popularity, metrics_only=True)
    assert scores.metrics["coverage"] == pytest.approx(2 / 3)
    share = (popularity + 1) / (popularity.sum() + 5)
    assert scores.metrics["novelty"] == pytest.approx(-np.log2(share[[1, 2, 1]]).mean())
