"""Dense layers on flat pixels (or on PCA components): the smallest thing that can be called a network."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.blocks import dense
from applied_dl.tasks.image.models.parts import head


def mlp(input_shape, num_classes: int, *, hidden=(128, 64), activation="relu", norm="none", dropout=0.0, include_top=True, name="mlp"):
    """(B, H, W, C) or (B, D) → logits (B, num_classes), or features (B, hidden[-1]).

    Parameters at the defaults for 28 by 28 grey and 10 classes: 109,386. Rumelhart, Hinton and Williams (1986).
    """
    inputs = keras.Input(tuple(input_shape))
    x = layers.Flatten(name="flatten")(inputs) if len(input_shape) > 1 else inputs
    for units in hidden:
        x = dense(x, units, activation, norm=norm, dropout=dropout)
    return keras.Model(inputs, head(x, num_classes) if include_top else x, name=name)
