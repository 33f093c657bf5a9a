"""Self-attention in plain `keras.ops`, with positions: what a Transformer encoder is made of (Vaswani et al., 2017)."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from applied_dl.text.models.pooling import MASKED

ROTARY_BASE = 10_000.0


@keras.saving.register_keras_serializable(package="applied_dl")
class SelfAttention(layers.Layer):
    """(B, T, D), mask (B, T) → (B, T, D): multi-head attention with one fused projection of queries, keys and values.

    `rotary` rotates queries and keys by their position, up to that many tokens (Su et al., RoFormer, 2021); 0 turns it off.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, rotary: int = 0, **base):
        super().__init__(**base)
        self.width, self.heads, self.dropout, self.rotary = width, heads, dropout, rotary
        self.qkv, self.out = layers.Dense(3 * width, name="qkv"), layers.Dense(width, name="out")
        self.drop = layers.Dropout(dropout, name="drop")

    def build(self, x_shape, mask_shape=None):
        self.qkv.build((None, None, self.width))
        self.out.build((None, None, self.width))
        self.built = True

    def call(self, x, mask, training=None):
        size = self.width // self.heads
        batch, length = ops.shape(x)[:2]
        y = ops.transpose(ops.reshape(self.qkv(x), (batch, length, 3 * self.heads, size)), (0, 2, 1, 3))  # (B, 3·heads, T, size)
        query, key, value = ops.split(y, 3, axis=1)  # (B, heads, T, size)
        if self.rotary:
            query, key = self._rotate(query, length), self._rotate(key, length)
        scores = ops.matmul(query * size**-0.5, ops.transpose(key, (0, 1, 3, 2)))  # (B, heads, T, T)
        hidden = ops.expand_dims((1.0 - ops.cast(mask, scores.dtype)) * MASKED, (1, 2))  # (B, 1, 1, T)
        weights = self.drop(ops.softmax(scores + hidden), training=training)
        mixed = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        return self.out(ops.reshape(mixed, (batch, length, self.width)))

    def _rotate(self, x, length):
        half = x.shape[-1] // 2
        angle = np.arange(self.rotary)[:, None] * ROTARY_BASE ** (-np.arange(half) / half)[None]
        cos, sin = (ops.convert_to_tensor(f(angle).astype(np.float32))[:length] for f in (np.cos, np.sin))
        cos, sin = ops.cast(cos, x.dtype), ops.cast(sin, x.dtype)
        left, right = x[..., :half], x[..., half:]
        return ops.concatenate([left * cos - right * sin, right * cos + left * sin], axis=-1)

    def compute_output_shape(self, x_shape, mask_shape=None):
        return x_shape

    def get_config(self):
        own = {"width": self.width, "heads": self.heads, "dropout": self.dropout, "rotary": self.rotary}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="applied_dl")
class Positions(layers.Layer):
    """(B, T, D) plus a vector for each position, T ≤ `length`: a learned table, or fixed sines and cosines."""

    def __init__(self, length: int, width: int, learned: bool = True, **base):
        super().__init__(**base)
        self.length, self.width, self.learned = length, width, learned

    def build(self, shape):
        if self.learned:
            self.table = self.add_weight(
                shape=(self.length, self.width), initializer=keras.initializers.RandomNormal(stddev=0.02), name="table"
            )
        else:
            self.table = ops.convert_to_tensor(sinusoids(self.length, self.width))
        self.built = True

    def call(self, x):
        return x + ops.cast(self.table[: ops.shape(x)[1]], x.dtype)

    def compute_output_shape(self, shape):
        return shape

    def get_config(self):
        return {**super().get_config(), "length": self.length, "width": self.width, "learned": self.learned}


def sinusoids(length: int, width: int) -> np.ndarray:
    """(length, width): sines in the even columns, cosines in the odd ones, wavelengths from 2π to 10,000 · 2π."""
    angle = np.arange(length)[:, None] / 10_000 ** (2 * (np.arange(width) // 2) / width)[None]
    return np.where(np.arange(width) % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32)
