"""Two convolutions with pooling, then dense layers."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.layers.blocks import conv, dense
from applied_dl.vision.models.parts import filters, global_pool, head, pool


def lenet(
    input_shape, num_classes: int, *, width=1.0, hidden=(128,), activation="relu", norm="none", dropout=0.25, pooling="max",
    include_top=True, name="lenet",
) -> keras.Model:  # fmt: skip
    """LeNet with today's widths and activations: two 5 × 5 convolutions of 32 and 64 filters, then dense layers.

    454,922 parameters at the defaults for 28 × 28 × 1 and 10 classes.

    Args:
        input_shape: (H, W, C).
        num_classes: outputs of the head.
        width: multiplies the number of filters.
        hidden: units of the dense layers.
        activation: name of the activation.
        norm: name of the normalisation.
        dropout: share of the features dropped before the head.
        pooling: "max" or "avg"; "global_max" and "global_avg" replace the flattening before the dense layers.
        include_top: False returns features (B, hidden[-1]).
        name: name of the model.

    Returns:
        A model (B, H, W, C) → logits (B, num_classes).

    Raises:
        UsageError: a name is unknown.

    Example:
        >>> model = lenet((28, 28, 1), 10, hidden=(256,))

    References:
        LeCun et al., Gradient-based learning applied to document recognition (1998).
    """
    inputs = keras.Input(tuple(input_shape))
    x = pool(conv(inputs, filters(32, width), 5, activation, norm=norm), pooling)
    x = pool(conv(x, filters(64, width), 5, activation, norm=norm), pooling)
    x = global_pool(x, pooling) if pooling.startswith("global") else layers.Flatten(name="flatten")(x)
    for units in hidden:
        x = dense(x, units, activation, norm=norm)
    return keras.Model(inputs, head(x, num_classes, dropout) if include_top else x, name=name)
