"""Plots of an image model: an augmented batch, the training, the confusion or the residuals, and the worst errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from keras import ops

from applied_dl.core.metrics import classification as metric
from applied_dl.layers.augment import augmentation
from applied_dl.report import plots as draw
from applied_dl.report.figures import shortened
from applied_dl.report.grids import MOST_LETTERS, image_grid
from applied_dl.tasks.image.scores import score_images
from applied_dl.tasks.image.state import targets

SHOWN = 24  # images of a grid


def image_plots(recipe, prepared, fitted, outputs, folder: Path) -> None:
    """Write the PNGs; `outputs` are the serving graph's on the test rows."""
    history, encoder, test = fitted.history, prepared.encoder, prepared.test
    draw.training_curves(history.rows, folder / "training.png", history.monitor, history.best_epoch)
    draw_batch(recipe, prepared, folder / "batch.png")
    if not encoder.labels:
        _numbers(prepared, outputs["prediction"], folder)
        return
    p = outputs["probabilities"]
    if encoder.multi_label:
        slices = score_images(outputs, test, encoder).slices
        draw.bars(list(slices), np.array([one.value for one in slices.values()]), folder / "labels.png", "F1 of each label", "F1")
        draw.reliability((test.target > 0).ravel(), p.ravel(), folder / "reliability.png")
        return
    best, truth = p.argmax(1), test.target
    draw.confusion(metric.confusion_matrix(truth, best, len(encoder.labels)), list(encoder.labels), folder / "confusion.png")
    draw.reliability(best == truth, p.max(1), folder / "reliability.png")
    worst = np.argsort(p[np.arange(len(truth)), truth])[:SHOWN]
    labels = [shortened(label, MOST_LETTERS - 9) for label in encoder.labels]
    captions = [f"{labels[truth[i]]} → {labels[best[i]]} ({p[i].max():.2f})" for i in worst]
    image_grid(
        np.asarray(test.inputs["image"][worst]),
        captions,
        folder / "worst.png",
        "Lowest probability of the true class: true → predicted (its probability)",
    )


def _numbers(prepared, predicted: np.ndarray, folder: Path) -> None:
    truth, encoder = prepared.test.target, prepared.encoder
    draw.residuals(truth, predicted, folder / "residuals.png", encoder.target)
    worst = np.argsort(-np.abs(truth - predicted))[:SHOWN]
    captions = [f"{truth[i]:.4g} → {predicted[i]:.4g}" for i in worst]
    image_grid(np.asarray(prepared.test.inputs["image"][worst]), captions, folder / "worst.png", "Largest errors")


def draw_batch(recipe, prepared, path: Path) -> int:
    """Draw augmented training images with their labels; returns how many."""
    encoder = prepared.encoder
    part = prepared.train.take(np.linspace(0, len(prepared.train) - 1, min(SHOWN, len(prepared.train))).astype(np.int64))
    images, target = np.asarray(part.inputs["image"]), targets(part.target, prepared)
    augment = augmentation(recipe.preprocess.augment or (), recipe.preprocess.strength, max(len(encoder.labels), 1))
    if augment is not None:
        inputs, target = augment({"image": ops.convert_to_tensor(images)}, ops.convert_to_tensor(target), ops.convert_to_tensor([0, 1]))
        images, target = np.asarray(inputs["image"]), np.asarray(target)
    if encoder.labels:
        captions = [" + ".join(encoder.labels[i] for i in np.flatnonzero(row > 0.05)[:2]) for row in target]
    else:
        captions = [f"{value:.4g}" for value in target[:, 0] * prepared.state.scale + prepared.state.mean]
    image_grid(images, captions, path, "An augmented batch")
    return len(images)
