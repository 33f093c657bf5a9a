"""Scores of masks: mean IoU, Dice, pixel accuracy and boundary F1, with 95% intervals over images and by class."""

from __future__ import annotations

import numpy as np

from applied_dl.core.metrics.intervals import LEVEL
from applied_dl.core.records import Part, Scores, Slice
from applied_dl.tasks.segment.encoder import VOID, SegmentEncoder

RISING = ("miou", "dice", "boundary_f1")  # beside the metrics of `core.metrics`
REPEATS = 300  # resamples of the intervals
BORDER = 0.0075  # of an image's diagonal, within which a border counts as found (Csurka et al., 2013)
CHUNK = 64  # images whose confusion is counted at a time


def masks_of(outputs: dict[str, np.ndarray]) -> np.ndarray:
    """(N, H, W) class numbers of the graph's outputs, which are the mask or the scores of all classes."""
    return outputs["mask"] if "mask" in outputs else outputs["scores"].argmax(-1).astype(np.uint8)


def score_masks(outputs: dict[str, np.ndarray], part: Part, encoder: SegmentEncoder, metrics_only: bool = False) -> Scores:
    """The metrics of masks on a part; pixels of all images are pooled, void ones count nowhere."""
    masks = masks_of(outputs)
    if metrics_only:
        return Scores(main="miou", metrics=_metrics(_confusion(part.target, masks, len(encoder.labels))[None]), rising=RISING)
    counts = confusions(part.target, masks, len(encoder.labels))  # (N, C, C)
    units = np.unique(part.extra.get("image", np.arange(len(part))), return_inverse=True)[1]
    per_image = np.zeros((units.max() + 1, *counts.shape[1:]))
    np.add.at(per_image, units, counts)  # tiles of one image are one unit
    metrics = _metrics(per_image.sum(0)[None])
    borders = boundary_f1(part.target, masks, len(encoder.labels))
    metrics["boundary_f1"] = float(np.nanmean(borders)) if np.isfinite(borders).any() else float("nan")
    drawn = resampled(per_image)
    intervals = {name: _interval(values) for name, values in _spread(drawn).items()}
    intervals["boundary_f1"] = _interval(_means(borders))
    iou, present = ious(per_image.sum(0)[None])[0], (per_image.sum(2) > 0).sum(0)
    slices = {
        label: Slice(value=float(iou[i]), rows=int(present[i]))
        for i, label in enumerate(encoder.labels)
        if present[i] and np.isfinite(iou[i])
    }
    return Scores(main="miou", metrics=metrics, intervals=intervals, slices=slices, rising=RISING)


def confusions(truth: np.ndarray, masks: np.ndarray, classes: int) -> np.ndarray:
    """(N, C, C) pixels of each image by true and predicted class, without void."""
    return np.stack([_confusion(t, m, classes) for t, m in zip(truth, masks)]) if len(truth) else np.zeros((0, classes, classes))


def _confusion(truth: np.ndarray, masks: np.ndarray, classes: int) -> np.ndarray:
    """(C, C) pixels by true and predicted class."""
    total = np.zeros(256 * classes, np.int64)
    for i in range(0, len(truth), CHUNK):
        code = truth[i : i + CHUNK].astype(np.uint16) * np.uint16(classes) + masks[i : i + CHUNK]
        total += np.bincount(code.ravel(), minlength=256 * classes)[: 256 * classes]
    return total.reshape(256, classes)[:classes]


def ious(counts: np.ndarray) -> np.ndarray:
    """(R, C) intersection over union from confusions (R, C, C); NaN for a class that neither occurs nor is predicted."""
    hit = np.diagonal(counts, axis1=1, axis2=2).astype(np.float64)
    union = counts.sum(1) + counts.sum(2) - hit
    return np.where(union > 0, hit / np.maximum(union, 1), np.nan)


def dices(counts: np.ndarray) -> np.ndarray:
    """(R, C) Dice coefficients, 2 |A ∩ B| / (|A| + |B|)."""
    iou = ious(counts)
    return 2 * iou / (1 + iou)


def _spread(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric (R,) of confusions (R, C, C); classes without a true pixel do not count into the means."""
    seen = counts.sum(2) > 0
    mean = lambda values: np.nanmean(np.where(seen, values, np.nan), axis=1) if seen.any() else np.full(len(counts), np.nan)  # noqa: E731
    hit = np.trace(counts, axis1=1, axis2=2)
    return {"miou": mean(ious(counts)), "dice": mean(dices(counts)), "accuracy": hit / np.maximum(counts.sum((1, 2)), 1)}


def _metrics(counts: np.ndarray) -> dict[str, float]:
    return {name: float(values[0]) for name, values in _spread(counts).items()}


def resampled(per_image: np.ndarray, repeats: int = REPEATS, seed: int = 0) -> np.ndarray:
    """(R, C, C) confusions of bootstrap samples of the images."""
    random, count = np.random.default_rng(seed), len(per_image)
    drawn = random.multinomial(count, np.full(count, 1 / count), repeats).astype(np.float64)
    return (drawn @ per_image.reshape(count, -1)).reshape(repeats, *per_image.shape[1:])


def dice_intervals(per_image: np.ndarray) -> np.ndarray:
    """(C, 2) 95% intervals of the Dice coefficient of each class, over images."""
    return np.nanpercentile(dices(resampled(per_image)), LEVEL, axis=0).T


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanpercentile(values, LEVEL) if np.isfinite(values).any() else (np.nan, np.nan)
    return float(low), float(high)


def _means(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """Means (R,) of bootstrap samples of values (N,)."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.array([np.nan])
    return values[np.random.default_rng(seed).integers(0, len(values), (REPEATS, len(values)))].mean(1)


def boundary_f1(truth: np.ndarray, masks: np.ndarray, classes: int) -> np.ndarray:
    """(N,) the F1 of borders of each image, mean over its classes: a border pixel is found where the other mask has one nearby.

    Images without a border (one class, or void alone) are NaN.

    References:
        Csurka et al., What is a good evaluation measure for semantic segmentation? (2013).
    """
    far = max(1, round(BORDER * float(np.hypot(*truth.shape[1:]))))
    return np.array([_border_score(t, np.where(t == VOID, VOID, m), classes, far) for t, m in zip(truth, masks)])


def _border_score(truth: np.ndarray, mask: np.ndarray, classes: int, far: int) -> float:
    codes = np.arange(classes, dtype=np.uint8)[:, None, None]
    wanted, found = (_borders(one == codes) for one in (truth, mask))  # (C, H, W)
    here = wanted.any((1, 2)) | found.any((1, 2))
    if not here.any():
        return float("nan")
    wanted, found = wanted[here], found[here]
    precision, recall = _near(found, _widened(wanted, far)), _near(wanted, _widened(found, far))
    return float(np.mean(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def _borders(inside: np.ndarray) -> np.ndarray:
    """Pixels of regions (C, H, W) with a neighbour outside; the border of the image is none."""
    out = np.zeros_like(inside)
    out[:, 1:] |= inside[:, 1:] & ~inside[:, :-1]
    out[:, :-1] |= inside[:, :-1] & ~inside[:, 1:]
    out[..., 1:] |= inside[..., 1:] & ~inside[..., :-1]
    out[..., :-1] |= inside[..., :-1] & ~inside[..., 1:]
    return out


def _widened(points: np.ndarray, far: int) -> np.ndarray:
    """Points (C, H, W) and all pixels within `far` of them in rows and columns."""
    for axis in (1, 2):
        out = points.copy()
        for step in range(1, far + 1):
            later, earlier = [slice(None)] * 3, [slice(None)] * 3
            later[axis], earlier[axis] = slice(step, None), slice(None, -step)
            out[tuple(later)] |= points[tuple(earlier)]
            out[tuple(earlier)] |= points[tuple(later)]
        points = out
    return points


def _near(points: np.ndarray, region: np.ndarray) -> np.ndarray:
    """(C,) share of the points that lie in the region; 0 where there are none."""
    return (points & region).sum((1, 2)) / np.maximum(points.sum((1, 2)), 1)
