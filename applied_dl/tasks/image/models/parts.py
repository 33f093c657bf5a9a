"""What the image builders share: pooling by name, the head, filters by width."""

from __future__ import annotations

from keras import layers

from applied_dl.core.errors import UsageError, nearest

POOLINGS = ("max", "avg", "global_max", "global_avg")


def check_pooling(name: str) -> str:
    """The name, or a `UsageError` that names the nearest."""
    if name not in POOLINGS:
        raise UsageError(f"Unknown model.pooling {name!r}.{nearest(name, POOLINGS)}")
    return name


def pool(x, kind: str, name: str | None = None):
    """(B, H, W, C) → (B, ceil(H/2), ceil(W/2), C): the largest or the mean of each 2 by 2; average for "avg", else largest."""
    layer = layers.AveragePooling2D if check_pooling(kind) == "avg" else layers.MaxPooling2D
    return layer(2, padding="same", name=name)(x)


def global_pool(x, kind: str):
    """(B, H, W, C) → (B, C)."""
    largest = check_pooling(kind) in ("max", "global_max")
    return (layers.GlobalMaxPooling2D if largest else layers.GlobalAveragePooling2D)(name="pooled")(x)


def head(x, num_classes: int, dropout: float = 0.0, *, scale: float = 1.0, bias: bool = True):
    """(B, D) → logits (B, num_classes), float32 under any precision; `scale` multiplies them."""
    if dropout:
        x = layers.Dropout(dropout, name="head_dropout")(x)
    x = layers.Dense(num_classes, use_bias=bias, dtype="float32", name="logits")(x)
    return layers.Rescaling(scale, dtype="float32", name="logit_scale")(x) if scale != 1 else x


def filters(base: int, width: float) -> int:
    """`base` times `width`, at least 8, a multiple of 8 (fast on CPUs and phones)."""
    return max(8, int(base * width + 4) // 8 * 8)
