"""Dense layers on flat pixels or on PCA components: the smallest net."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.blocks import dense
from applied_dl.vision.models.parts import head


def mlp(
    input_shape, num_classes: int, *, hidden=(128, 64), activation="relu", norm="none", dropout=0.0, include_top=True, name="mlp"
) -> keras.Model:
    """Multilayer perceptron on flat pixels, or on vectors such as PCA components.

    109,386 parameters at the defaults for 28 × 28 × 1 and 10 classes.

    Args:
        input_shape: (H, W, C) or (D,).
        num_classes: outputs of the head.
        hidden: units of the dense layers.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the units dropped after each dense layer.
        include_top: False returns features (B, hidden[-1]).
        name: name of the model.

    Returns:
        A model (B, H, W, C) or (B, D) → logits (B, num_classes).

    Raises:
        UsageError: a name is unknown.

    Example:
        >>> model = mlp((28, 28, 1), 10, hidden=(256, 128), dropout=0.2)

    References:
        Rumelhart, Hinton and Williams, Learning representations by back-propagating errors (1986).
    """
    inputs = keras.Input(tuple(input_shape))
    x = layers.Flatten(name="flatten")(inputs) if len(input_shape) > 1 else inputs
    for units in hidden:
        x = dense(x, units, activation, norm=norm, dropout=dropout)
    return keras.Model(inputs, head(x, num_classes) if include_top else x, name=name)
