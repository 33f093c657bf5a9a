"""Nets over the features of a row. Each gives (B, k, outputs), k members whose mean is the prediction; k is 1 except for tabm."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.blocks import dense, normalization
from applied_dl.layers.dense import Heads
from applied_dl.tasks.tabular.models.features import Features, entries, vector
from applied_dl.tasks.tabular.models.members import Members


def linear(features: Features, outputs: int = 1, *, name="linear") -> keras.Model:
    """Ridge and logistic regression as a net: the features times one matrix. 8 numbers, 1 output: 9 parameters."""
    inputs = entries(features)
    x, _ = vector(features, inputs)
    return keras.Model(inputs, _one(layers.Dense(outputs, dtype="float32", name="head")(x), outputs), name=name)


def mlp(features: Features, outputs: int = 1, *, width=256, depth=3, activation="relu", dropout=0.1, name="mlp") -> keras.Model:
    """Perceptron with `depth` hidden layers. 8 plain numbers, 1 output: 134,145 parameters. Rosenblatt (1958), Rumelhart et al. (1986)."""
    inputs = entries(features)
    x, _ = vector(features, inputs)
    for _ in range(depth):
        x = dense(x, width, activation, dropout=dropout)
    return keras.Model(inputs, _one(layers.Dense(outputs, dtype="float32", name="head")(x), outputs), name=name)


def resnet(features: Features, outputs: int = 1, *, width=192, depth=3, activation="relu", dropout=0.1, name="resnet") -> keras.Model:
    """Blocks of norm, wide layer and narrow layer around a skip. 8 plain numbers, 1 output: 486,145 parameters.

    Gorishniy et al., Revisiting Deep Learning Models for Tabular Data (2021).
    """
    inputs = entries(features)
    x, _ = vector(features, inputs)
    x = layers.Dense(width)(x)
    for _ in range(depth):
        y = normalization("batch")(x)
        y = dense(y, 2 * width, activation, dropout=dropout)
        x = layers.Add()([x, layers.Dense(width)(y)])
    x = dense(normalization("batch")(x), width, activation)
    return keras.Model(inputs, _one(layers.Dense(outputs, dtype="float32", name="head")(x), outputs), name=name)


def tabm(features: Features, outputs: int = 1, *, width=256, depth=2, heads=16, activation="relu", dropout=0.1, name="tabm") -> keras.Model:
    """An ensemble of `heads` members in one net: they differ by the scale of the features and by their heads, and share the rest.

    Train the loss of each member separately; the mean is the prediction. 8 plain numbers, 1 output: 72,336 parameters. TabM-mini of
    Gorishniy et al., TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling (2024).
    """
    inputs = entries(features)
    x, chunks = vector(features, inputs)
    x = Members(heads, chunks, name="members")(x)  # (B, k, D); no layer before this one may mix the features
    for _ in range(depth):
        x = dense(x, width, activation, dropout=dropout)
    return keras.Model(inputs, Heads(outputs, dtype="float32", name="heads")(x), name=name)


def _one(x, outputs: int):
    return layers.Reshape((1, outputs), dtype="float32", name="one")(x)
