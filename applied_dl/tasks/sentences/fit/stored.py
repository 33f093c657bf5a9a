"""Batches of labelled texts whose tokens are on disk."""

from __future__ import annotations

import numpy as np

from applied_dl.core.mapped import row_reader, span_reader
from applied_dl.layers.backend import JAX
from applied_dl.tasks.sentences.encoder import SubwordEncoder, padded
from applied_dl.tasks.sentences.readers.stored import Stored
from applied_dl.training.source import Source


def stored_texts(stored: Stored, encoder: SubwordEncoder, rows: np.ndarray | None = None, weight: np.ndarray | None = None) -> Source:
    """A source that reads the texts of each batch: {"ids": (B, T)} as wide as its longest text, and one-hot targets (B, C).

    Args:
        stored: the texts on disk.
        encoder: knows the padding and the labels.
        rows: (M,) the texts that train, some more than once; all by default.
        weight: (N,) of the texts.
    """
    places, tokens, targets = row_reader(stored.places), span_reader(stored.tokens), row_reader(stored.target)
    one_hot = None if encoder.multi_label else np.eye(len(encoder.labels), dtype=np.float32)

    def read(index: np.ndarray) -> tuple[np.ndarray, ...]:
        index = np.asarray(index) if rows is None else rows[np.asarray(index)]
        begins, sizes = places(index).T
        width = stored.width if JAX else max(1, int(sizes.max()))  # JAX compiles a step for one shape
        ids = padded(tokens(begins, sizes).astype(np.int32), sizes, width, encoder.padding)
        target = targets(index).astype(np.float32) if one_hot is None else one_hot[targets(index)]
        return ids, target, *(() if weight is None else (weight[index],))

    size = len(stored) if rows is None else len(rows)
    if JAX:

        def gather(index):
            ids, *others = read(index)
            return ({"ids": ids}, *others)

        return Source(size, gather, ready=False)
    return Source(size, _in_graph(read, len(encoder.labels), weight is not None), ready=False)


def _in_graph(read, classes: int, weighted: bool):
    import tensorflow as tf

    kinds = (tf.int32, tf.float32, tf.float32)[: 2 + weighted]

    def gather(index):
        ids, target, *weight = tf.numpy_function(read, [index], kinds, stateful=False)
        size = index.shape[0]
        batch = ({"ids": tf.ensure_shape(ids, (size, None))}, tf.ensure_shape(target, (size, classes)))
        return (*batch, *(tf.ensure_shape(one, (size,)) for one in weight))

    return gather
