"""Two nets for rows of a table: the generator makes a probability for each code and a place in each interval; the critic sees both.

Intervals of equal counts take the part of the modes of Xu et al., Modeling tabular data using conditional GAN (2019).
"""

from __future__ import annotations

import keras
from keras import layers, ops

SLOPE = 0.2
SHARPNESS = 3.0  # of the softmax: the critic compares it with codes of 0 and 1


def row_generator(sizes: tuple[int, ...], latent: int, *, width: int = 256, name: str = "generator") -> keras.Model:
    """Latent → a row as the critic sees it.

    Args:
        sizes: how many codes each column has.
        latent: numbers of the latent.
        width: units of the hidden layers.
        name: of the model.

    Returns:
        {"latent": (B, latent)} → (B, ΣK + F): probabilities of the codes, then places of 0..1.
    """
    z = keras.Input((latent,), name="latent")
    x = layers.Dense(width, name="enter")(z)
    for i in range(2):
        y = layers.LeakyReLU(SLOPE, name=f"relu_{i}")(x)
        x = layers.Add(name=f"add_{i}")([x, layers.Dense(width, name=f"hidden_{i}")(y)])
    x = layers.LeakyReLU(SLOPE, name="last_relu")(x)
    found = [
        layers.Softmax(name=f"share_{i}")(layers.Rescaling(SHARPNESS, name=f"sharp_{i}")(layers.Dense(size, name=f"logits_{i}")(x)))
        for i, size in enumerate(sizes)
    ]
    places = layers.Dense(len(sizes), activation="sigmoid", name="places")(x)
    return keras.Model({"latent": z}, layers.Concatenate(name="row")([*found, places]), name=name)


def row_critic(sizes: tuple[int, ...], *, width: int = 256, name: str = "critic") -> keras.Model:
    """A row as `row_generator` makes it → score (B,), higher for rows that look real."""
    row = keras.Input((sum(sizes) + len(sizes),), name="sample")
    x = row
    for i in range(2):
        x = layers.LeakyReLU(SLOPE, name=f"relu_{i}")(layers.Dense(width, name=f"hidden_{i}")(x))
    return keras.Model({"sample": row}, layers.Reshape((), name="score")(layers.Dense(1, name="last")(x)), name=name)


def as_row(codes, places, sizes: tuple[int, ...]):
    """Codes (B, F) and places (B, F) as the critic sees them: (B, ΣK + F)."""
    return ops.concatenate([*(ops.one_hot(codes[:, i], size) for i, size in enumerate(sizes)), places], axis=-1)


def choosing_graph(generator: keras.Model, sizes: tuple[int, ...], firsts: tuple[int, ...]) -> keras.Model:
    """{"latent": (B, latent)} → the most probable "codes" (B, F) int32 of each column from its first on, and "places" (B, F)."""
    latent = keras.Input(generator.input["latent"].shape[1:], name="latent")
    codes, places = Choose(sizes, firsts, name="choose")(generator({"latent": latent}))
    return keras.Model({"latent": latent}, {"codes": codes, "places": places}, name="rows_serving")


@keras.saving.register_keras_serializable(package="applied_dl")
class Choose(layers.Layer):
    """(B, ΣK + F) → the most probable codes (B, F) int32, and the places (B, F)."""

    def __init__(self, sizes, firsts, **options):
        super().__init__(**options)
        self.sizes, self.firsts = tuple(sizes), tuple(firsts)

    def call(self, row):
        found, at = [], 0
        for size, first in zip(self.sizes, self.firsts):
            share = row[:, at + first : at + size]
            largest = ops.cast(share >= ops.max(share, axis=-1, keepdims=True), "int32")  # (B, K − first)
            found.append(ops.max(largest * ops.arange(first, size, dtype="int32")[None], axis=-1, keepdims=True))
            at += size
        return ops.concatenate(found, axis=-1), row[:, at:]

    def get_config(self):
        return {**super().get_config(), "sizes": list(self.sizes), "firsts": list(self.firsts)}
