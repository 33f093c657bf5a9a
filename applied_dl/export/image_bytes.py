"""The SavedModel endpoint that takes the bytes of JPEG and PNG files, for servers: it decodes in the graph."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf


def bytes_endpoint(model: keras.Model, height: int, width: int, channels: int) -> tuple[Callable, list]:
    """`predict_bytes`: image_bytes (B,) string → the answers of `model`.

    The resize averages when it shrinks, as the encoder's does, but the two decoders differ by a grey level here and there; the encoder's
    answers are the reference.
    """

    def one(content):
        image = tf.io.decode_image(content, channels=channels, expand_animations=False)
        image.set_shape((None, None, channels))
        image = tf.image.resize(tf.cast(image, tf.float32), (height, width), antialias=True)
        return tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)

    def predict_bytes(image_bytes):
        spec = tf.TensorSpec((height, width, channels), tf.uint8)
        return model({"image": tf.map_fn(one, image_bytes, fn_output_signature=spec)}, training=False)

    return predict_bytes, [tf.TensorSpec((None,), tf.string, name="image_bytes")]
