"""From a resolved recipe to a trained generator, by the kind of the model."""

from __future__ import annotations

import keras
import msgspec
import numpy as np
import tensorflow as tf

from applied_dl.core.builders import call
from applied_dl.core.records import Fitted
from applied_dl.tasks.generate.fit.adversarial import AdversarialLoop, Nets
from applied_dl.tasks.generate.models import CRITICS, GENERATORS, column_net, row_critic, row_generator
from applied_dl.tasks.generate.models.columns import cross_entropy
from applied_dl.tasks.generate.models.rows import as_row
from applied_dl.training.source import resident


def sizes_of(prepared) -> tuple[int, ...]:
    """How many codes each learned column has."""
    return tuple(column.size for column in prepared.encoder.form.learned)


def build_generator(recipe, prepared) -> keras.Model:
    """The untrained model: of two nets the generator."""
    form, model = prepared.encoder.form, recipe.model
    keras.utils.set_random_seed(recipe.train.seed)
    if model.name == "autoregressive":
        return column_net(sizes_of(prepared), width=model.width, dropout=model.dropout)
    if model.name == "row_gan":
        return row_generator(sizes_of(prepared), form.latent, width=model.width)
    shape = (form.height, form.width, form.channels)
    return call(GENERATORS[model.name], {"width": model.width, "blocks": model.blocks}, shape, form.latent, len(form.labels))


def fit_generator(recipe, prepared, trainer) -> Fitted:
    """Train by the recipe's method."""
    if recipe.model.name == "autoregressive":
        return _fit_columns(recipe, prepared, trainer)
    generator, average = build_generator(recipe, prepared), build_generator(recipe, prepared)
    average.set_weights(generator.get_weights())
    rows, labels, critic = (_rows if recipe.model.name == "row_gan" else _images)(recipe, prepared)
    loop = AdversarialLoop(
        Nets(generator, critic, average), rows, labels, len(prepared.train), recipe.train, recipe.learn.gamma, prepared.encoder.form.latent
    )
    history = trainer.run(loop, "generator")
    return Fitted(average, history)


def _images(recipe, prepared):
    """Training images in −1..1 by row numbers, their labels, and the critic."""
    form, state = prepared.encoder.form, prepared.state
    options = {"width": recipe.model.width, "blocks": recipe.model.blocks}
    critic = call(CRITICS[recipe.model.name], options, (form.height, form.width, form.channels), len(form.labels))
    gather = resident({"image": state.pixels}, np.zeros(len(state.pixels), np.int8)).gather

    def rows(index):
        return tf.cast(gather(index)[0]["image"], tf.float32) / 127.5 - 1.0

    return rows, state.codes, critic


def _rows(recipe, prepared):
    """Training rows as the critic sees them by row numbers, no labels, and the critic."""
    sizes, state = sizes_of(prepared), prepared.state
    codes, places = tf.constant(state.codes), tf.constant(state.places)

    def rows(index):
        return as_row(tf.gather(codes, index), tf.gather(places, index), sizes)

    return rows, None, row_critic(sizes, width=recipe.model.width)


def _fit_columns(recipe, prepared, trainer) -> Fitted:
    """Maximum likelihood by Keras fit; validation rows choose the epoch."""
    model, sizes = build_generator(recipe, prepared), sizes_of(prepared)
    codes, held = prepared.state.codes, prepared.validation.extra["codes"]
    settings = msgspec.structs.replace(recipe.train, loss=None)
    history = trainer.train(
        model, resident({"codes": codes}, codes), resident({"codes": held}, held), settings, loss=cross_entropy(sizes), tag="columns"
    )
    return Fitted(model, history)
