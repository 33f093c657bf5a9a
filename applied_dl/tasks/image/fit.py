"""How an image net is trained: in one go, or a pretrained trunk in stages with its features kept while it is frozen."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from applied_dl.core.records import Fitted
from applied_dl.layers.augment import augmentation
from applied_dl.tasks.image.state import targets
from applied_dl.training.class_weights import class_weights
from applied_dl.training.losses import loss as make_loss
from applied_dl.training.source import resident
from applied_dl.training.transfer import fit_staged

VIEWS = 4  # views of each image whose features are kept: as it is, and augmented
FEATURE_BATCH = 64


def fit_image(recipe, prepared, trainer, tag: str, build) -> Fitted:
    """Train one net.

    Args:
        recipe: a resolved recipe.
        prepared: the data.
        trainer: what trains.
        tag: the name of this training.
        build: `(recipe, prepared) -> keras.Model`.
    """
    model, encoder, part = build(recipe, prepared), prepared.encoder, prepared.train
    weight = None if encoder.multi_label or not encoder.labels else class_weights(part.target, encoder.labels, recipe.train.class_weights)
    source = resident(part.inputs, targets(part.target, prepared), weight)
    validation = resident(prepared.validation.inputs, targets(prepared.validation.target, prepared))
    augment = augmentation(recipe.preprocess.augment or (), recipe.preprocess.strength, max(len(encoder.labels), 1))
    metrics = (_metric(encoder),)

    def fit_stage(settings, rates, stage, trainer):
        loss = make_loss(settings.loss, label_smoothing=settings.label_smoothing)
        if stage == "stage0":
            return _fit_head(model, prepared, trainer, weight, augment, settings, loss, metrics, f"{tag}-{stage}")
        return trainer.train(
            model, source, validation, settings, loss=loss, metrics=metrics, augment=augment, rates=rates, tag=f"{tag}-{stage}"
        )

    if recipe.model.name == "backbone":
        history = fit_staged(model, model.get_layer("backbone").get_layer("trunk"), recipe.train, trainer, fit_stage)
    else:
        history = fit_stage(recipe.train, None, "fit", trainer)
    return Fitted(model, history)


def _metric(encoder):
    if not encoder.labels:
        return keras.metrics.MeanAbsoluteError("mae")
    if encoder.multi_label:
        return keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
    return keras.metrics.CategoricalAccuracy("accuracy")


def _fit_head(model, prepared, trainer, weight, augment, settings, loss, metrics, tag: str):
    """Train the head alone on features that are computed once, so that an epoch costs almost nothing."""
    net = model.get_layer("backbone")
    trunk = keras.Model(net.input, net.get_layer("pooled").output)
    with trainer.preparing(len(prepared.train), FEATURE_BATCH) as rows:
        part = prepared.train if rows == len(prepared.train) else prepared.train.take(np.arange(rows))
        views = [features(trunk, part.inputs["image"], None)]
        views += [features(trunk, part.inputs["image"], augment, settings.seed + i) for i in range(1, VIEWS if augment else 1)]
    target = targets(part.target, prepared)
    repeat = lambda a: np.concatenate([a] * len(views))  # noqa: E731
    weights = None if weight is None else repeat(weight[: len(part)])
    source = resident({"features": np.concatenate(views)}, repeat(target), weights)
    held = features(trunk, prepared.validation.inputs["image"], None)
    validation = resident({"features": held}, targets(prepared.validation.target, prepared))
    entry = keras.Input((held.shape[1],), name="features")
    x = entry
    for name in ("head_dropout", "logits"):
        x = net.get_layer(name)(x) if name in {layer.name for layer in net.layers} else x
    return trainer.train(keras.Model({"features": entry}, x), source, validation, settings, loss=loss, metrics=metrics, tag=tag)


def features(trunk: keras.Model, images: np.ndarray, augment, seed: int = 0) -> np.ndarray:
    """(N, H, W, C) uint8 → (N, F) float32, augmented first where `augment` is given."""
    call = tf.function(lambda x: trunk(x, training=False), reduce_retracing=True)
    found = []
    for start in range(0, len(images), FEATURE_BATCH):
        batch = tf.constant(np.ascontiguousarray(images[start : start + FEATURE_BATCH]))
        if augment is not None:
            batch = augment({"image": batch}, tf.zeros((len(batch), 1)), tf.constant([seed, start], tf.int32))[0]["image"]
        found.append(call(tf.cast(batch, tf.float32)).numpy())
    return np.concatenate(found)
