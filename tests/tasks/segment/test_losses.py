"""The losses of pixels against their definitions in numpy, and against the IoU that they stand for."""

import keras
import numpy as np
import pytest

from applied_dl.core.errors import UsageError
from applied_dl.tasks.segment.encoder import VOID
from applied_dl.tasks.segment.losses import PixelLoss, check_loss, lovasz_loss


@pytest.fixture
def pixels():
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, (2, 6, 8)).astype(np.uint8)
    truth[0, :2] = VOID
    return truth, random.normal(0, 2, (2, 6, 8, 3)).astype(np.float32)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def value(parts, truth, logits, **options) -> float:
    return float(keras.ops.convert_to_numpy(PixelLoss(parts, **options)(truth, logits)))


def test_cross_entropy_is_the_weighted_mean_over_pixels_that_count(pixels):
    truth, logits = pixels
    valid = truth != VOID
    own = -np.log(softmax(logits))[valid][np.arange(valid.sum()), truth[valid]]
    assert value(("crossentropy",), truth, logits) == pytest.approx(own.mean(), rel=1e-5)
    weights = np.array([0.5, 1.0, 4.0])
    assert value(("crossentropy",), truth, logits, weights=weights.tolist()) == pytest.approx(
        np.average(own, weights=weights[truth[valid]]), rel=1e-5
    )


def test_focal_is_cross_entropy_of_hard_pixels(pixels):
    truth, logits = pixels
    valid = truth != VOID
    p = softmax(logits)[valid][np.arange(valid.sum()), truth[valid]]
    assert value(("focal",), truth, logits) == pytest.approx((-((1 - p) ** 2) * np.log(p)).mean(), rel=1e-5)


def test_dice_is_that_of_soft_regions(pixels):
    truth, logits = pixels
    valid = (truth != VOID)[..., None]
    p, t = softmax(logits) * valid, np.eye(3)[np.where(truth == VOID, 0, truth)] * valid
    dice = (2 * (p * t).sum((0, 1, 2)) + 1) / (p.sum((0, 1, 2)) + t.sum((0, 1, 2)) + 1)
    assert value(("dice",), truth, logits) == pytest.approx(1 - dice.mean(), rel=1e-5)


def test_lovasz_of_decisions_is_one_less_the_mean_iou():
    """Of probabilities that are 0 or 1 the Lovász extension is the Jaccard loss itself (Berman et al., 2018)."""
    random = np.random.default_rng(1)
    truth, found = np.eye(4)[random.integers(0, 4, 200)], np.eye(4)[random.integers(0, 4, 200)]
    iou = (truth * found).sum(0) / np.maximum(truth, found).sum(0)
    got = float(keras.ops.convert_to_numpy(lovasz_loss(*(a.astype(np.float32) for a in (truth, found, np.ones((200, 1)))))))
    assert got == pytest.approx(1 - iou.mean(), abs=1e-5)


def test_void_pixels_and_sums(pixels):
    truth, logits = pixels
    changed = np.where((truth == VOID)[..., None], 100 * logits, logits)
    for parts in (("crossentropy",), ("dice",), ("focal",), ("lovasz",)):
        assert value(parts, truth, changed) == pytest.approx(value(parts, truth, logits), rel=1e-5)
    both = value(("crossentropy", "lovasz"), truth, logits)
    assert both == pytest.approx(value(("crossentropy",), truth, logits) + value(("lovasz",), truth, logits), rel=1e-5)
    assert np.isfinite(value(("crossentropy", "dice", "focal", "lovasz"), np.full_like(truth, VOID), logits))


def test_names():
    assert check_loss("crossentropy + dice") == ("crossentropy", "dice")
    with pytest.raises(UsageError, match="Did you mean 'lovasz'"):
        check_loss("crossentropy+lovas")
