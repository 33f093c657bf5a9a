"""The SavedModel endpoint that takes the bytes of JPEG and PNG files, for servers: it decodes in the graph."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from applied_dl.core.records import Part

DECODED = (".jpg", ".jpeg", ".png")
COMPARED = 200  # held-out pictures on which the endpoint is compared with the encoder


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


def bytes_samples(part: Part) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Rows of a part and the bytes of their pictures: the JPEG and PNG files themselves; pictures from arrays as PNG."""
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
