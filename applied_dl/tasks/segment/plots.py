"""Plots of a segmentation net: an augmented batch, the training, overlays, the worst images, the confusion and the classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from keras import ops

from applied_dl.report import plots as draw
from applied_dl.report.grids import image_grid
from applied_dl.tasks.segment.augment import joint_augmentation
from applied_dl.tasks.segment.drawing import overlay
from applied_dl.tasks.segment.encoder import VOID
from applied_dl.tasks.segment.scores import confusions, dice_intervals, dices, ious, masks_of

SHOWN = 8  # images of a grid of pairs


def segment_plots(recipe, prepared, fitted, outputs, folder: Path) -> dict:
    """Write the PNGs; `outputs` are the serving graph's on the test rows. Returns the scores of each class for the card."""
    history, encoder, test = fitted.history, prepared.encoder, prepared.test
    draw.training_curves(history.rows, folder / "training.png", history.monitor, history.best_epoch)
    draw_batch(recipe, prepared, folder / "batch.png")
    masks = masks_of(outputs)
    counts = confusions(test.target, masks, len(encoder.labels))
    total = counts.sum(0)
    shares = total / np.maximum(total.sum(1, keepdims=True), 1)
    draw.confusion(np.round(100 * shares).astype(int), list(encoder.labels), folder / "confusion.png")
    own = np.array([np.nanmean(row) if np.isfinite(row).any() else 1.0 for row in ious(counts)])
    _grid(prepared, masks, np.linspace(0, len(test) - 1, min(SHOWN, len(test))).astype(int), own, folder / "overlays.png", "Test images")
    _grid(prepared, masks, np.argsort(own)[:SHOWN], own, folder / "worst.png", "The test images with the lowest mean IoU")
    dice, iou = dices(total[None])[0], ious(total[None])[0]
    low, high = dice_intervals(counts).T
    seen = np.flatnonzero(total.sum(1) > 0)
    errors = np.stack([np.maximum(dice - low, 0), np.maximum(high - dice, 0)])[:, seen]
    draw.bars([encoder.labels[i] for i in seen], dice[seen], folder / "classes.png", "Dice of each class, 95% over images", "Dice", errors)
    numbers = lambda i: {"iou": iou[i], "dice": dice[i], "dice_low": low[i], "dice_high": high[i]}  # noqa: E731
    return {"per_class": {encoder.labels[i]: {key: round(float(value), 4) for key, value in numbers(i).items()} for i in seen}}


def _grid(prepared, masks: np.ndarray, rows: np.ndarray, own: np.ndarray, path: Path, title: str) -> None:
    """Images under their true and their predicted masks, side by side."""
    test, palette = prepared.test, prepared.encoder.palette
    images, captions = [], []
    for row in rows:
        pixels, truth = test.inputs["image"][row], test.target[row]
        images += [overlay(pixels, truth, palette), overlay(pixels, np.where(truth == VOID, VOID, masks[row]), palette)]
        captions += ["true", f"predicted (IoU {own[row]:.2f})"]
    image_grid(np.stack(images), captions, path, title, columns=4, legend=_legend(prepared.encoder))


def _legend(encoder) -> dict[str, tuple[int, int, int]]:
    """The colour of each class."""
    return dict(zip(encoder.labels, encoder.palette))


def draw_batch(recipe, prepared, path: Path) -> int:
    """Draw augmented training images under their masks; returns how many."""
    part = prepared.train.take(np.linspace(0, len(prepared.train) - 1, min(2 * SHOWN, len(prepared.train))).astype(np.int64))
    images, masks = np.asarray(part.inputs["image"]), np.asarray(part.target)
    augment = joint_augmentation(recipe.preprocess.augment or (), recipe.preprocess.strength)
    if augment is not None:
        inputs, masks = augment({"image": ops.convert_to_tensor(images)}, ops.convert_to_tensor(masks), ops.convert_to_tensor([0, 1]))
        images, masks = np.asarray(inputs["image"]), np.asarray(masks)
    legend = _legend(prepared.encoder)
    image_grid(overlay(images, masks, prepared.encoder.palette), [""] * len(images), path, "An augmented batch under its masks", 4, legend)
    return len(images)
