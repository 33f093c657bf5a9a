"""The SavedModel endpoint `predict_bytes`, for servers: it decodes the bytes of JPEG and PNG files in the graph."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from applied_dl.core.records import Part
from applied_dl.vision.images import ImageForm

DECODED = (".jpg", ".jpeg", ".jfif", ".png")
COMPARED = 200  # held-out images on which the endpoint is compared with the encoder
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's conversion to grey
PADDING = 128.0


def bytes_endpoint(model: keras.Model, encoder: ImageForm) -> tuple[Callable, list]:
    """`predict_bytes`: image_bytes (B,) string → the outputs of `model`, and its signature.

    It follows the encoder in background, grey and resizing, but its decoder differs by a grey level here and there, and it does not
    read EXIF orientation; how much this changes the metric is measured at export. The encoder is the reference.
    """

    def decoded(content):
        image = tf.io.decode_image(content, channels=0, expand_animations=False)
        image.set_shape((None, None, None))
        image = _opaque(tf.cast(image, tf.float32), encoder)
        return tf.cast(tf.clip_by_value(tf.round(_resized(image, encoder)), 0, 255), tf.uint8)

    def predict_bytes(image_bytes):
        spec = tf.TensorSpec((encoder.height, encoder.width, encoder.channels), tf.uint8)
        return model({"image": tf.map_fn(decoded, image_bytes, fn_output_signature=spec)}, training=False)

    return predict_bytes, [tf.TensorSpec((None,), tf.string, name="image_bytes")]


def _opaque(image, encoder: ImageForm):
    """(H, W, 1 to 4) floats → (H, W, C) of the encoder: transparency on its background, then grey or RGB."""
    clear = tf.shape(image)[-1] % 2 == 0  # grey or RGB with an alpha channel
    alpha = tf.where(clear, image[..., -1:] / 255.0, tf.ones_like(image[..., -1:]))
    color = image[..., : tf.shape(image)[-1] - tf.cast(clear, tf.int32)]
    color = tf.cond(tf.shape(color)[-1] == 1, lambda: tf.repeat(color, 3, axis=-1), lambda: color)
    color = tf.ensure_shape(color, (None, None, 3)) * alpha + tf.constant(encoder.background, tf.float32) * (1 - alpha)
    color = tf.round(color)
    return tf.round(tf.reduce_sum(color * LUMA, axis=-1, keepdims=True)) if encoder.channels == 1 else color


def _resized(image, encoder: ImageForm):
    """To the encoder's size as its `fit` says; the filter averages when it shrinks, as Pillow's does."""
    height, width = encoder.height, encoder.width
    if encoder.fit == "stretch":
        return tf.image.resize(image, (height, width), antialias=True)
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    scales = tf.constant([height, width], tf.float32) / sides
    if encoder.fit == "crop":
        keep = tf.cast(tf.round(tf.constant([height, width], tf.float32) / tf.reduce_max(scales)), tf.int32)
        begin = (tf.shape(image)[:2] - keep) // 2
        cut = image[begin[0] : begin[0] + keep[0], begin[1] : begin[1] + keep[1]]
        return tf.image.resize(cut, (height, width), antialias=True)
    size = tf.maximum(tf.cast(tf.round(sides * tf.reduce_min(scales)), tf.int32), 1)
    small = tf.image.resize(image, size, antialias=True)
    return tf.image.pad_to_bounding_box(small - PADDING, (height - size[0]) // 2, (width - size[1]) // 2, height, width) + PADDING


def bytes_samples(part: Part) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Rows of a part and the bytes of their images: the JPEG and PNG files themselves; images from arrays as PNG."""
    paths = part.extra.get("path", [""] * len(part))
    is_file = [Path(str(p)).suffix.lower() in DECODED for p in paths]
    rows = [i for i in range(len(part)) if is_file[i] or not any(is_file)]
    rows = np.array(rows, np.int64)[np.unique(np.linspace(0, max(len(rows) - 1, 0), min(COMPARED, len(rows))).astype(int))]
    content = [Path(str(paths[i])).read_bytes() if is_file[i] else _png(part.inputs["image"][i]) for i in rows]
    return rows, {"image_bytes": np.array(content, object)}


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
