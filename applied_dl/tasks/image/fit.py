"""How an image net is trained: in one go, or a pretrained trunk in stages."""

from __future__ import annotations

import keras

from applied_dl.core.records import Fitted
from applied_dl.layers.augment import augmentation
from applied_dl.tasks.image.frozen import features_of, images_through, rest_of
from applied_dl.tasks.image.state import targets
from applied_dl.training.class_weights import class_weights
from applied_dl.training.losses import loss as make_loss
from applied_dl.training.source import resident
from applied_dl.training.transfer import cut, fit_staged, shares, unfreeze


def fit_image(recipe, prepared, trainer, tag: str, build) -> Fitted:
    """Train one net.

    Args:
        recipe: a resolved recipe.
        prepared: the data.
        trainer: what trains.
        tag: the name of this training.
        build: `(recipe, prepared) -> keras.Model`.
    """
    model, encoder, part, held = build(recipe, prepared), prepared.encoder, prepared.train, prepared.validation
    weight = None if encoder.multi_label or not encoder.labels else class_weights(part.target, encoder.labels, recipe.train.class_weights)
    target, held_target = targets(part.target, prepared), targets(held.target, prepared)
    augment = augmentation(recipe.preprocess.augment or (), recipe.preprocess.strength, max(len(encoder.labels), 1))

    def train(trainer, net, source, validation, settings, stage, **more):
        loss = make_loss(settings.loss, label_smoothing=settings.label_smoothing)
        return trainer.train(net, source, validation, settings, loss=loss, metrics=(_metric(encoder),), tag=f"{tag}-{stage}", **more)

    def train_whole(settings, rates, stage, trainer):
        source, validation = resident(part.inputs, target, weight), resident(held.inputs, held_target)
        return train(trainer, model, source, validation, settings, stage, augment=augment, rates=rates)

    if recipe.model.name != "backbone":
        return Fitted(model, train_whole(recipe.train, None, "fit", trainer))
    net = model.get_layer("backbone")
    trunk = net.get_layer("trunk")
    middle = _middle(trunk, recipe.train.unfreeze_epochs)
    kept = None if middle is None else images_through(net, middle, prepared, augment, recipe.train.seed, trainer)

    def fit_stage(settings, rates, stage, trainer):
        at = cut(trunk)
        if at is trunk.output:
            found = features_of(net, kept) if kept else images_through(net, at, prepared, augment, settings.seed, trainer)
        elif at is not None and kept:
            found = kept
        else:
            return train_whole(settings, rates, stage, trainer)
        rest, source, validation = rest_of(net, found.at), found.source(target, weight), found.validation(held_target)
        return train(trainer, rest, source, validation, settings, stage, rates=rates)

    return Fitted(model, fit_staged(model, trunk, recipe.train, trainer, fit_stage))


def _middle(trunk: keras.Model, stages: tuple[int, ...]) -> keras.KerasTensor | None:
    """Where the trunk is divided in every stage that trains a part of it; None where no stage does."""
    parts = [share for share in shares(len(stages)) if 0 < share < 1]
    if not parts:
        return None
    unfreeze(trunk, max(parts))
    at = cut(trunk)
    return None if at is trunk.output else at


def _metric(encoder):
    if not encoder.labels:
        return keras.metrics.MeanAbsoluteError("mae")
    if encoder.multi_label:
        return keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
    return keras.metrics.CategoricalAccuracy("accuracy")
