"""What the image builders share: pooling by name, the head, the number of filters."""

from __future__ import annotations

from keras import layers

from applied_dl.core.errors import known

POOLINGS = ("max", "avg", "global_max", "global_avg")


def pool(x, kind: str, name: str | None = None):
    """(B, H, W, C) → (B, ceil(H/2), ceil(W/2), C): the mean of 2 × 2 pixels for "avg", else their maximum."""
    layer = layers.AveragePooling2D if known("model.pooling", kind, POOLINGS) == "avg" else layers.MaxPooling2D
    return layer(2, padding="same", name=name)(x)


def global_pool(x, kind: str):
    """(B, H, W, C) → (B, C): the maximum for "max" and "global_max", else the mean."""
    largest = known("model.pooling", kind, POOLINGS) in ("max", "global_max")
    return (layers.GlobalMaxPooling2D if largest else layers.GlobalAveragePooling2D)(name="pooled")(x)


def head(x, num_classes: int, dropout: float = 0.0, *, scale: float = 1.0, bias: bool = True):
    """(B, D) → logits (B, num_classes), float32 under any precision and multiplied by `scale`."""
    if dropout:
        x = layers.Dropout(dropout, name="head_dropout")(x)
    x = layers.Dense(num_classes, use_bias=bias, dtype="float32", name="logits")(x)
    return layers.Rescaling(scale, dtype="float32", name="logit_scale")(x) if scale != 1 else x


def filters(base: int, width: float) -> int:
    """`base` times `width` as a multiple of 8 (fast on CPUs and phones), at least 8."""
    return max(8, int(base * width + 4) // 8 * 8)
