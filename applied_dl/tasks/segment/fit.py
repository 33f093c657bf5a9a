"""How a segmentation net is trained: in one go, or its pretrained encoder in stages."""

from __future__ import annotations

import keras
import numpy as np
from msgspec import structs

from applied_dl.core.errors import UsageError, nearest
from applied_dl.core.records import STOPPED, Fitted, History
from applied_dl.tasks.segment.augment import joint_augmentation
from applied_dl.tasks.segment.losses import PixelLoss, check_loss
from applied_dl.tasks.segment.metrics import PixelIoU
from applied_dl.training.source import resident
from applied_dl.training.transfer import fit_staged, layer_rates
from applied_dl.vision.models.trunk import TRUNK

WINDOW, WHOLE = 2, 0.3  # the sides of windows are this part of the images'; share of the epochs on whole images
LARGE, MULTIPLE = 160, 4  # pixels of the shorter side, from which windows are used, and of which the sides of windows are multiples
LATER_RATE = 0.5  # of the learning rate, on whole images
LIMITS = (0.3, 4.0)  # of the default weights of classes, so that neither a rare nor a common class decides alone


def fit_segment(recipe, prepared, trainer, tag: str, build) -> Fitted:
    """Train one net.

    Args:
        recipe: a resolved recipe.
        prepared: the data.
        trainer: what trains.
        tag: the name of this training.
        build: `(recipe, prepared) -> keras.Model`.
    """
    model, part, held = build(recipe, prepared), prepared.train, prepared.validation
    labels = prepared.encoder.labels
    weights = pixel_weights(prepared.state.counts, labels, recipe.train.class_weights)
    augment = joint_augmentation(recipe.preprocess.augment or (), recipe.preprocess.strength)
    source, validation = resident(part.inputs, part.target), resident(held.inputs, held.target)

    def train(settings, rates, stage, trainer):
        loss = PixelLoss(check_loss(settings.loss), weights, settings.label_smoothing)
        metric = PixelIoU(len(labels))
        return trainer.train(
            model, source, validation, settings, loss=loss, metrics=(metric,), monitor="val_miou", rising=True, augment=augment,
            rates=rates, tag=f"{tag}-{stage}",
        )  # fmt: skip

    trunk = _trunk(model)
    if trunk is None:
        return Fitted(model, train(recipe.train, None, "fit", trainer))
    freeze_first(trunk)
    if recipe.train.unfreeze_epochs or not _in_windows(recipe, prepared.encoder):
        return Fitted(model, fit_staged(model, trunk, recipe.train, trainer, train))
    return Fitted(model, _windows_first(recipe, prepared, trainer, tag, build, model, train, weights))


def _in_windows(recipe, encoder) -> bool:
    """Whether the training begins with windows of the images: where they are large enough, and placed at random anyway."""
    height, width = encoder.height, encoder.width
    even = height % (WINDOW * MULTIPLE) == 0 and width % (WINDOW * MULTIPLE) == 0
    return "crop" in (recipe.preprocess.augment or ()) and even and min(height, width) >= LARGE and recipe.train.epochs > 2


def _windows_first(recipe, prepared, trainer, tag: str, build, model, train, weights) -> History:
    """Most epochs on random windows of half of the sides, which cost a quarter; the last ones on whole images.

    The net for windows has the same weights in the same order; batch norms and the EMA go on with whole images.
    """
    settings, encoder = recipe.train, prepared.encoder
    whole = max(1, round(settings.epochs * WHOLE))
    size = {"height": encoder.height // WINDOW, "width": encoder.width // WINDOW}
    small = build(recipe, structs.replace(prepared, encoder=structs.replace(encoder, **size)))
    freeze_first(_trunk(small))
    part, rates = prepared.train, layer_rates(_trunk(small), settings.layerwise_lr_decay)
    stages = trainer.turns(2, "stage")
    first = next(stages).train(
        small, resident(part.inputs, part.target), None, structs.replace(settings, epochs=settings.epochs - whole),
        loss=PixelLoss(check_loss(settings.loss), weights, settings.label_smoothing), rates=rates, tag=f"{tag}-windows",
        augment=joint_augmentation(recipe.preprocess.augment, recipe.preprocess.strength, WINDOW),
    )  # fmt: skip
    model.set_weights(small.get_weights())
    second = next(stages, None)
    if second is None or first.stopped == STOPPED:
        return first
    rate = settings.learning_rate if settings.learning_rate == "auto" else LATER_RATE * settings.learning_rate
    last = train(
        structs.replace(settings, epochs=whole, learning_rate=rate),
        layer_rates(_trunk(model), settings.layerwise_lr_decay),
        "whole",
        second,
    )
    before = len(first.rows)
    rows = [{**row, "epoch": row["epoch"] + before, "stage": 1} for row in last.rows]
    kept = [{**row, "stage": 0} for row in first.rows]
    return structs.replace(last, rows=kept + rows, seconds=first.seconds + last.seconds, best_epoch=last.best_epoch + before)


def _trunk(model: keras.Model) -> keras.Model | None:
    """The pretrained encoder of a model, where it has one."""
    nets = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return next((layer for net in nets for layer in net.layers if layer.name == TRUNK), None)


def freeze_first(trunk: keras.Model) -> None:
    """Keep the first layers of a trunk, up to a quarter of the input's size, and its batch norms as they are.

    They see edges and textures, which are the same everywhere, and at their size a gradient costs the most. `train.unfreeze_epochs` sets
    for each stage what is trained instead.
    """
    quarter = [tensor.shape[1] for tensor in trunk.outputs][:2][-1]
    for layer in trunk.layers:
        size = layer.output.shape[1] if isinstance(layer.output, keras.KerasTensor) and len(layer.output.shape) == 4 else 0
        layer.trainable = size < quarter and not isinstance(layer, keras.layers.BatchNormalization)


def pixel_weights(counts: np.ndarray, labels: tuple[str, ...], setting) -> list[float] | None:
    """The weight of each class in the loss, with mean 1 over the training pixels.

    Args:
        counts: (C,) training pixels of each class.
        labels: the classes.
        setting: `train.class_weights`: "balanced" weighs all classes alike; a dict gives some classes a weight and the others 1; None is
            the square root of balanced, within limits.

    Raises:
        UsageError: the setting names a class that does not exist.
    """
    shares = counts / max(counts.sum(), 1)
    present = shares > 0
    if isinstance(setting, dict):
        for name in setting:
            if name not in labels:
                raise UsageError(f"train.class_weights names the class {name!r}.{nearest(name, labels)}")
        weights = np.array([setting.get(label, 1.0) for label in labels])
    else:
        balanced = np.where(present, 1 / (present.sum() * np.maximum(shares, 1e-12)), 1.0)
        weights = balanced if setting == "balanced" else np.clip(balanced**0.5, *LIMITS)
    return [round(float(w), 6) for w in weights / max(float((weights * shares).sum()), 1e-12)]
