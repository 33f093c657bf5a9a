"""What TensorFlow and JAX name differently within a graph, where Keras has no operation of the same cost."""

from __future__ import annotations

import keras
from keras import ops

JAX = keras.backend.backend() == "jax"


def constant(array):
    """An array that a graph gathers from: in the CPU's memory under TensorFlow, on the device under JAX."""
    if JAX:
        import jax

        return jax.numpy.asarray(array)
    import tensorflow as tf

    with tf.device("/CPU:0"):
        return tf.constant(array)


def take(table, index):
    """Rows of a `constant`; an index is never negative."""
    if JAX:
        return table.at[index].get(mode="clip")
    import tensorflow as tf

    return tf.gather(table, index)


def batch_size(values):
    """How many rows a batch has: a number, or a tensor where TensorFlow's graph does not know it."""
    return ops.shape(values)[0]


def compiled(function):
    """A function of tensors as one graph, for batches of any size."""
    if JAX:
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, reduce_retracing=True)
