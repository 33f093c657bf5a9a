"""The metrics against scikit-learn's, and against cases that are known by hand."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from applied_dl.core.records import Part
from applied_dl.tasks.segment.encoder import VOID, SegmentEncoder
from applied_dl.tasks.segment.scores import boundary_f1, score_masks

ENCODER = SegmentEncoder(height=20, width=30, channels=3, labels=("a", "b", "c"))


def part(truth) -> Part:
    return Part(inputs={"image": np.zeros((len(truth), 1))}, target=truth)


def test_the_metrics_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    truth, found = random.integers(0, 3, (2, 9, 20, 30)).astype(np.uint8)
    truth[3] = VOID
    scores = score_masks({"mask": found}, part(truth), ENCODER)
    at = truth != VOID
    assert scores.main == "miou"
    assert scores.value == pytest.approx(jaccard_score(truth[at], found[at], average="macro"))
    assert scores.metrics["dice"] == pytest.approx(f1_score(truth[at], found[at], average="macro"))
    assert scores.metrics["accuracy"] == pytest.approx(accuracy_score(truth[at], found[at]))
    for label, iou in zip("abc", jaccard_score(truth[at], found[at], average=None)):
        assert scores.slices[label].value == pytest.approx(iou)
        assert scores.slices[label].rows == 8
    for name, (low, high) in scores.intervals.items():
        assert low <= scores.metrics[name] <= high
    assert score_masks({"mask": found}, part(truth), ENCODER, metrics_only=True).value == pytest.approx(scores.value)


def test_scores_of_all_classes_are_the_mask_of_the_largest():
    random = np.random.default_rng(1)
    truth, p = random.integers(0, 3, (4, 20, 30)).astype(np.uint8), random.random((4, 20, 30, 3)).astype(np.float32)
    by_scores, by_mask = (
        score_masks(outputs, part(truth), ENCODER) for outputs in ({"scores": p}, {"mask": p.argmax(-1).astype(np.uint8)})
    )
    assert by_scores.metrics == by_mask.metrics


def test_a_class_without_true_pixels_does_not_count():
    truth = np.zeros((2, 20, 30), np.uint8)
    truth[:, 5:10] = 1
    scores = score_masks({"mask": truth}, part(truth), ENCODER)
    assert scores.value == 1
    assert set(scores.slices) == {"a", "b"}
    wrong = truth.copy()
    wrong[:, 10:12] = 2
    assert score_masks({"mask": wrong}, part(truth), ENCODER).value == pytest.approx((1 + 13 / 15) / 2)


def test_tiles_of_one_image_are_resampled_together():
    random = np.random.default_rng(2)
    truth, found = random.integers(0, 3, (2, 6, 20, 30)).astype(np.uint8)
    together = Part(inputs={"image": np.zeros((6, 1))}, target=truth, extra={"image": np.zeros(6, np.int64)})
    low, high = score_masks({"mask": found}, together, ENCODER).intervals["miou"]
    assert low == pytest.approx(high)


def test_borders_within_the_tolerance_are_found():
    truth = np.zeros((3, 200, 200), np.uint8)
    truth[:, 50:150, 50:150] = 1
    near, far = np.roll(truth, 1, axis=2), np.roll(truth, 30, axis=2)
    assert boundary_f1(truth, truth, 2) == pytest.approx(1)
    assert boundary_f1(truth, near, 2) == pytest.approx(1)
    assert (boundary_f1(truth, far, 2) < 0.75).all()
    assert np.isnan(boundary_f1(np.zeros((1, 9, 9), np.uint8), np.zeros((1, 9, 9), np.uint8), 2)).all()


def test_void_altogether_scores_nothing():
    truth = np.full((2, 20, 30), VOID, np.uint8)
    scores = score_masks({"mask": np.zeros_like(truth)}, part(truth), ENCODER)
    assert np.isnan(scores.value)
