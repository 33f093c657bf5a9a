"""The ids of tokens (N, T) as the nets take them."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from applied_dl.layers.backend import JAX
from applied_dl.tasks.sentences.encoder import SubwordEncoder


def token_ids(model: keras.Model, part, encoder: SubwordEncoder) -> np.ndarray:
    """Ids (N, T) that the table looks up: the part's own, or the word ids that the graph finds in its bytes, without gaps."""
    rows = part.inputs[encoder.input]
    if encoder.tokenizer:
        return rows
    words = keras.Model(model.input, model.get_layer("words").output)
    found = np.concatenate([np.asarray(words({"bytes": rows[i : i + 1024]})) for i in range(0, len(rows), 1024)])
    width = max(1, int((found > 0).sum(1).max()))
    order = np.argsort(found == 0, axis=1, kind="stable")[:, :width]
    return np.take_along_axis(found, order, axis=1)


def stacked(arrays: list[np.ndarray], padding: int) -> np.ndarray:
    """Rows of ids of different widths one under the other."""
    width = max(array.shape[1] for array in arrays)
    return np.concatenate([np.pad(a, ((0, 0), (0, width - a.shape[1])), constant_values=padding) for a in arrays])


def trimmed(ids, padding: int):
    """Ids (B, T) without the columns that are padding in every row of the batch; all of them under JAX, whose shapes are fixed."""
    if JAX:
        return ids
    used = ops.max(ops.sum(ops.cast(ids != padding, "int32"), axis=1))
    return ids[:, : ops.maximum(used, 1)]
