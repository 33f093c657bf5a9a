"""What ends every image net: pooling, dropout, a float32 linear head."""

from __future__ import annotations

import keras
from keras import layers

from applied_dl.errors import UsageError, nearest

POOLINGS = ("max", "avg", "global_max", "global_avg")


def pool(x, pooling: str):
    """(B, H, W, C): halve H and W ("max", "avg"), or (B, C) ("global_max", "global_avg")."""
    made = {
        "max": lambda: layers.MaxPooling2D(padding="same"),
        "avg": lambda: layers.AveragePooling2D(padding="same"),
        "global_max": layers.GlobalMaxPooling2D,
        "global_avg": layers.GlobalAveragePooling2D,
    }
    if pooling not in made:
        raise UsageError(f"Unknown pooling {pooling!r}.{nearest(pooling, made)}")
    return made[pooling]()(x)


def flatten(x, pooling: str):
    """(B, H, W, C) → (B, F): globally pooled, or pooled by two and laid out flat."""
    x = pool(x, pooling)
    return x if len(x.shape) == 2 else layers.Flatten()(x)


def classify(inputs, features, num_classes: int | None, dropout: float, name: str) -> keras.Model:
    """Dropout and the linear head in float32; without `num_classes` the model ends at the features (B, F)."""
    features = layers.Activation("linear", dtype="float32", name="features")(features)
    if num_classes is None:
        return keras.Model(inputs, features, name=name)
    x = layers.Dropout(dropout)(features) if dropout else features
    return keras.Model(inputs, layers.Dense(num_classes, dtype="float32", name="logits")(x), name=name)


def scaled(filters: int, width: float) -> int:
    """A filter count times the width multiplier, at least 4 and a multiple of 4."""
    return max(4, round(filters * width / 4) * 4)
