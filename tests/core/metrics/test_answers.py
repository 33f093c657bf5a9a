"""Thresholds of label sets and distances, against their definition and on simulated rows."""

import numpy as np
import pytest

from applied_dl.core.metrics.answers import answer_intervals, answer_metrics, distance_threshold, set_thresholds, with_answers
from applied_dl.core.records import Scores


def simulated(rows: int, seed: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a middling classifier whose last class is rare and hard, and the true codes."""
    random = np.random.default_rng(seed)
    truth = random.choice(classes, rows, p=[0.4, 0.3, 0.25, 0.05])
    logits = random.normal(0, 1, (rows, classes))
    logits[np.arange(rows), truth] += np.where(truth == classes - 1, 0.2, 2.0)
    p = np.exp(logits)
    return p / p.sum(1, keepdims=True), truth


def inside(p: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return (p >= thresholds) | (p == p.max(1, keepdims=True))


@pytest.mark.parametrize("coverage", [0.7, 0.9, 0.97])
def test_new_sets_hold_the_true_label_as_often_as_stated(coverage):
    covered = []
    for seed in range(40):
        p, truth = simulated(800, seed)
        sets = p[400:] >= set_thresholds(p[:400], truth[:400], coverage)
        covered.append(sets[np.arange(400), truth[400:]].mean())
    assert np.mean(covered) == pytest.approx(coverage, abs=0.01)


def test_by_class_every_class_is_covered_where_one_threshold_neglects_the_rare_one():
    rare = {False: [], True: []}
    for seed in range(30):
        p, truth = simulated(4000, seed)
        for by_class, found in rare.items():
            sets = inside(p[2000:], set_thresholds(p[:2000], truth[:2000], 0.9, by_class))
            hard = truth[2000:] == 3
            found.append(sets[hard][:, 3].mean())
    assert np.mean(rare[False]) < 0.7
    assert np.mean(rare[True]) >= 0.89


def test_too_few_rows_to_promise_anything_put_every_label_in():
    p, truth = simulated(8, 0)
    np.testing.assert_array_equal(set_thresholds(p, truth, 0.9), np.zeros(4))
    assert (set_thresholds(*simulated(9, 0), 0.9) > 0).all()


def test_the_threshold_is_the_order_statistic_just_below_it_and_not_on_a_value():
    p = np.array([[x, 1 - x] for x in np.linspace(0.05, 0.95, 19)])
    thresholds = set_thresholds(p, np.zeros(19, int), 0.9)  # the 2nd smallest of 19 probabilities
    assert 0.05 < thresholds[0] < 0.1
    assert thresholds[0] == pytest.approx(0.1, rel=2e-3)


def test_of_several_labels_each_true_one_counts():
    p = np.array([[0.9, 0.8, 0.1], [0.7, 0.2, 0.6]] * 30)
    truth = np.array([[1, 1, 0], [1, 0, 1]] * 30)
    assert set_thresholds(p, truth, 0.9)[0] == pytest.approx(0.6, rel=2e-3)
    sets = np.ones((60, 3))
    sets[:15, 0] = 0
    assert answer_metrics({"set": sets}, truth)["set_coverage"] == pytest.approx(1 - 15 / 120)
    assert answer_metrics({"set": sets}, truth)["set_size"] == pytest.approx(3 - 15 / 60)
    assert answer_metrics({"set": sets}, truth)["lowest_set_coverage"] == pytest.approx(1 - 15 / 60)


def test_the_label_that_is_covered_least_counts_where_it_has_enough_rows():
    truth = np.repeat([0, 1, 2], [100, 25, 5])
    sets = np.eye(3)[truth]
    sets[100:105, 1] = 0
    sets[125:, 2] = 0  # five rows say little
    found = answer_metrics({"set": sets}, truth)
    assert found["lowest_set_coverage"] == pytest.approx(0.8)
    assert found["set_coverage"] == pytest.approx(120 / 130)
    assert "lowest_set_coverage" not in answer_metrics({"set": sets[125:]}, truth[125:])


def test_thresholds_by_class_cover_each_class_of_new_rows():
    random = np.random.default_rng(0)

    def rows(count):
        truth = random.choice(3, count, p=[0.8, 0.15, 0.05])
        logits = random.normal(size=(count, 3)) + 1.5 * np.eye(3)[truth] + [2.0, 0.5, 0.0]  # leans to the frequent class
        return np.exp(logits) / np.exp(logits).sum(1, keepdims=True), truth

    (p, truth), (q, new) = rows(4000), rows(20_000)
    lowest = {
        by_class: answer_metrics({"set": (q >= set_thresholds(p, truth, 0.9, by_class)).astype(float)}, new)["lowest_set_coverage"]
        for by_class in (False, True)
    }
    assert lowest[False] < 0.75
    assert lowest[True] == pytest.approx(0.9, abs=0.04)


def test_the_distance_threshold_is_exceeded_by_the_stated_share():
    random = np.random.default_rng(0)
    exceeded = [np.mean(random.exponential(size=2000) > distance_threshold(random.exponential(size=500), 0.02)) for _ in range(100)]
    assert np.mean(exceeded) == pytest.approx(0.02, abs=0.004)
    assert distance_threshold(np.array([3.0, 1.0, 2.0]), 0.01) == 3.0


def test_scores_carry_what_the_graph_has_and_nothing_else():
    plain = Scores(main="rmse", metrics={"rmse": 1.0})
    truth = np.zeros(50, int)
    assert with_answers(plain, {"prediction": truth}, truth, False) == plain
    outputs = {"distance": np.array([[0.5]] * 49 + [[1.5]], np.float32), "set": np.tile([[1.0, 0.0]], (50, 1))}
    found = with_answers(plain, outputs, truth, False)
    assert found.metrics == pytest.approx(
        {"rmse": 1.0, "set_coverage": 1.0, "lowest_set_coverage": 1.0, "set_size": 1.0, "false_alarms": 0.02}
    )
    for name, (low, high) in answer_intervals(outputs, truth).items():
        assert low - 1e-9 <= found.metrics[name] <= high + 1e-9
        assert found.intervals[name] == (low, high)
    assert not with_answers(plain, outputs, truth, True).intervals
