"""What the frozen part of a backbone computes for each image, once for all epochs of a stage: for the image as it is, and augmented."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from applied_dl.layers.backend import compiled, constant, take
from applied_dl.training.source import Source, resident

HEAD_VIEWS = 4  # of each image, on which the head is trained: as it is, and augmented
MOST_VIEWS, MOST_IMAGES = 8, 4000  # on which the last part of the trunk is trained: so many of each image, and in all; at least two
LARGEST = 2**30  # bytes of the kept outputs
BATCH = 64


class Frozen(NamedTuple):
    """Outputs of the frozen part.

    Args:
        at: where they leave the trunk; the trunk's own output stands for the pooled features.
        views: of the training images, (V, N, …) float16; in a dry run of a few of them.
        held: of the validation images.
        size: number of training images.
    """

    at: keras.KerasTensor
    views: np.ndarray
    held: np.ndarray
    size: int

    def source(self, target: np.ndarray, weight: np.ndarray | None) -> Source:
        """Every view of every training image, with the target (and the weight) of the image."""
        columns = [constant(column) for column in (target, weight) if column is not None]
        views, computed = self.views.shape[:2]
        kept = constant(self.views.reshape(-1, *self.views.shape[2:]))

        def gather(index):
            view, row = index // self.size, index % self.size
            values = take(kept, view * computed + row % computed)
            return ({"kept": ops.cast(values, "float32")}, *(take(column, row) for column in columns))

        return Source(self.size * views, gather)

    def validation(self, target: np.ndarray) -> Source:
        """The validation images."""
        return resident({"kept": self.held.astype(np.float32)}, target)


def images_through(net: keras.Model, at, prepared, augment, seed: int, trainer) -> Frozen | None:
    """The images through the first layers of a backbone up to `at`; None where the outputs would not fit into memory."""
    train, held = prepared.train, prepared.validation
    pooled = at is net.get_layer("trunk").output
    views = HEAD_VIEWS if pooled else _views(len(train), at.shape)
    if not views:
        return None
    first = _compiled(_first(net, at))
    with trainer.preparing(len(train), BATCH) as rows:
        images = train.inputs["image"][:rows]
        found = [_outputs(first, images, augment if i else None, seed + i) for i in range(views if augment else 1)]
    return Frozen(at, np.stack(found), _outputs(first, held.inputs["image"], None), len(train))


def features_of(net: keras.Model, kept: Frozen) -> Frozen:
    """Pooled features from what is kept of an earlier layer."""
    trunk = net.get_layer("trunk")
    entry = keras.Input(kept.at.shape[1:])
    rest = _compiled(keras.Model(entry, net.get_layer("pooled")(keras.Model(kept.at, trunk.output)(entry, training=False))))
    views = np.stack([_outputs(rest, view, None) for view in kept.views[:HEAD_VIEWS]])
    return Frozen(trunk.output, views, _outputs(rest, kept.held, None), kept.size)


def rest_of(net: keras.Model, at) -> keras.Model:
    """{"kept"} → the outputs of the backbone: its layers behind `at`, not copies of them."""
    trunk = net.get_layer("trunk")
    behind = net.layers[net.layers.index(trunk) + 1 :]
    if at is trunk.output:
        pooled, *behind = behind
        x = entry = keras.Input(pooled.output.shape[1:], name="kept")
    else:
        entry = keras.Input(at.shape[1:], name="kept")
        x = keras.Model(at, trunk.output)(entry, training=False)
    for layer in behind:
        x = layer(x)
    return keras.Model({"kept": entry}, x)


def _first(net: keras.Model, at) -> keras.Model:
    """Images → `at`."""
    trunk = net.get_layer("trunk")
    if at is trunk.output:
        return keras.Model(net.input, net.get_layer("pooled").output)
    before = net.layers[net.layers.index(trunk) - 1].output
    return keras.Model(net.input, keras.Model(trunk.input, at)(before, training=False))


def _views(rows: int, shape) -> int:
    """How many views are kept; 0 where there is no room for two."""
    size = 2 * rows * int(np.prod(shape[1:]))
    views = max(2, min(MOST_VIEWS, MOST_IMAGES // rows))
    return views if views * size <= LARGEST else 2 if 2 * size <= LARGEST else 0


def _compiled(part: keras.Model):
    """(B, …) → float16, as one graph for batches of any size."""
    return compiled(lambda x: ops.saturate_cast(part(ops.cast(x, "float32"), training=False), "float16"))


def _outputs(part, values: np.ndarray, augment, seed: int = 0) -> np.ndarray:
    """(N, …) → (N, …), augmented first where `augment` is given."""
    found = []
    for start in range(0, len(values), BATCH):
        batch = ops.convert_to_tensor(np.ascontiguousarray(values[start : start + BATCH]))
        if augment is not None:
            batch = augment({"image": batch}, ops.zeros((len(batch), 1)), ops.array([seed, start], dtype="int32"))[0]["image"]
        found.append(np.asarray(part(batch)))
    return np.concatenate(found)
