"""The ends of the exported graph: the class of each pixel, and how sure the net is."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import layers, ops


@keras.saving.register_keras_serializable(package="applied_dl")
class PixelClass(layers.Layer):
    """Logits (B, H, W, C) → the number of the largest, uint8 (B, H, W)."""

    def call(self, x):
        return tf.cast(tf.argmax(x, axis=-1, output_type=tf.int32), tf.uint8)  # that of keras.ops is no TFLite builtin

    def compute_output_shape(self, shape):
        return shape[:-1]

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape[:-1], dtype="uint8")


@keras.saving.register_keras_serializable(package="applied_dl")
class Confidence(layers.Layer):
    """Logits (B, H, W, C) → (B,), the mean probability of the predicted classes, over every fourth pixel of every fourth row."""

    def call(self, x):
        return ops.mean(ops.max(ops.softmax(x[:, ::4, ::4], axis=-1), axis=-1), axis=(1, 2))

    def compute_output_shape(self, shape):
        return shape[:1]
