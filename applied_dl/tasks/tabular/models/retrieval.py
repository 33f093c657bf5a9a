"""Retrieval: a net embeds rows; the prediction is the mean target of the training rows, weighted by their distance to the query.

Neighbourhood components analysis (Goldberger et al., 2004) with a deep encoder (Ye et al., ModernNCA, 2024). The file holds the embedded
training rows and their targets, which may be private.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from applied_dl.layers.blocks import dense, normalization
from applied_dl.tasks.tabular.models.features import Features, entries, vector

NEVER = 1e9  # a distance that no row has: of a row from itself in training
TINY = 1e-6  # under the root of a distance
LEAST = 1e-7  # probability


def retrieval(features: Features, outputs: int = 1, *, width=128, depth=1, activation="relu", dropout=0.1, name="retrieval") -> keras.Model:
    """The encoder: features → (B, 1, width), where similar rows are close. `outputs` is unused: the memory decides the outputs.

    Train it with `among_themselves`, then give it its memory with `remember`. 8 plain numbers: 68,096 parameters.
    """
    inputs = entries(features)
    x, _ = vector(features, inputs)
    x = layers.Dense(width, name="enter")(x)
    for _ in range(depth):
        y = dense(normalization("batch")(x), 2 * width, activation, dropout=dropout)
        x = layers.Add()([x, layers.Dense(width)(y)])
    x = normalization("batch")(x) if depth else x
    return keras.Model(inputs, layers.Reshape((1, width), dtype="float32", name="place")(x), name=name)


def distances(a, b):
    """(B, D), (N, D) → (B, N) Euclidean."""
    square = ops.sum(ops.square(a), 1, keepdims=True) + ops.sum(ops.square(b), 1) - 2 * ops.matmul(a, ops.transpose(b))
    return ops.sqrt(ops.maximum(square, TINY))


def among_themselves(function, classes: bool):
    """`function(y_true (B, 1, C), y_pred (B, 1, C))` for an encoder: each row of a batch is predicted from the others.

    The prediction (B, 1, D) is the embedding of the rows; weights are a softmax over −distance; classes are predicted as logits.
    """

    def of_batch(y_true, place):
        z, y = place[:, 0], ops.cast(y_true, place.dtype)[:, 0]
        apart = distances(z, z) + NEVER * ops.eye(ops.shape(z)[0], dtype=z.dtype)
        mixed = ops.matmul(ops.softmax(-apart, axis=-1), y)  # (B, C)
        return function(y_true, ops.expand_dims(ops.log(mixed + LEAST) if classes else mixed, 1))

    of_batch.__name__ = getattr(function, "__name__", "of_batch")
    return of_batch


@keras.saving.register_keras_serializable(package="applied_dl")
class Memory(layers.Layer):
    """(B, 1, D) → (B, 1, C): the mean of the remembered targets by exp(−sharpness · distance); of classes its logarithm.

    `rows`, `size` and `outputs` are the N, D and C of the memory; `remember` fills it. Distances are taken as |z|² − 2 z·c + |c|², from
    remembered rows whose mean is 0, so that half precision keeps their differences.
    """

    def __init__(self, rows: int, size: int, outputs: int, classes: bool = False, sharpness: float = 1.0, **base):
        super().__init__(**base)
        self.rows, self.size, self.outputs, self.classes, self.sharpness = rows, size, outputs, classes, sharpness

    def build(self, shape):
        self.center = self.add_weight(shape=(self.size,), initializer="zeros", trainable=False, name="center")
        self.keys = self.add_weight(shape=(self.size, self.rows), initializer="zeros", trainable=False, name="keys")
        self.lengths = self.add_weight(shape=(self.rows,), initializer="zeros", trainable=False, name="lengths")
        self.answers = self.add_weight(shape=(self.rows, self.outputs), initializer="zeros", trainable=False, name="answers")

    def call(self, place):
        z = place[:, 0] - self.center
        square = ops.sum(ops.square(z), 1, keepdims=True) - 2.0 * ops.matmul(z, self.keys) + self.lengths  # (B, N)
        near = ops.softmax(-self.sharpness * ops.sqrt(ops.maximum(square, TINY)), axis=-1)
        mixed = ops.matmul(near, self.answers)
        return ops.expand_dims(ops.log(mixed + LEAST) if self.classes else mixed, 1)

    def compute_output_shape(self, shape):
        return (shape[0], 1, self.outputs)

    def get_config(self):
        return {**super().get_config(), **{key: getattr(self, key) for key in ("rows", "size", "outputs", "classes", "sharpness")}}


def remember(encoder: keras.Model, rows: dict[str, np.ndarray], targets: np.ndarray, classes: bool, sharpness: float = 1.0) -> keras.Model:
    """The encoder with its memory: inputs → (B, 1, C). rows: input name → (N, …); targets: (N, C) as they are trained."""
    places = encoder.predict(rows, batch_size=1024, verbose=0)[:, 0].astype(np.float64)
    center = places.mean(0)
    keys = (places - center).astype(np.float16).astype(np.float32)  # as half precision will hold them, so that lengths fit
    memory = Memory(*keys.shape, targets.shape[1], classes, sharpness, dtype="float32", name="memory")
    model = keras.Model(encoder.input, memory(encoder.output), name=encoder.name)
    memory.set_weights([center.astype(np.float32), keys.T, np.sum(keys.astype(np.float64) ** 2, 1), targets.astype(np.float32)])
    return model
