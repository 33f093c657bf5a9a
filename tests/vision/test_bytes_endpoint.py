"""The endpoint for encoded images decodes as the encoder does, up to a grey level, for every mode of PNG and JPEG and every resize."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from applied_dl.tasks.image.encoder import ImageEncoder
from applied_dl.vision.bytes_endpoint import bytes_endpoint
from applied_dl.vision.images import decode

MODES = {"RGB": "PNG", "RGBA": "PNG", "L": "PNG", "LA": "PNG", "P": "PNG", "1": "PNG", "RGB ": "JPEG", "L ": "JPEG"}


def encoded(mode: str, size=(40, 30)) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (3, 4, 4), dtype=np.uint8)
    image = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC, reducing_gap=None).convert("RGBA")
    buffer = io.BytesIO()
    image.convert("RGB" if mode.strip() == "P" else "RGBA").convert(mode.strip()).save(buffer, MODES[mode])
    return buffer.getvalue()


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_follows_the_encoder(fit, channels):
    encoder = ImageEncoder(height=12, width=16, channels=channels, fit=fit, background=(128, 0, 255))
    image = keras.Input((12, 16, channels), dtype="uint8", name="image")
    model = keras.Model({"image": image}, {"pixels": keras.layers.Rescaling(1.0, dtype="float32")(image)})
    function = tf.function(bytes_endpoint(model, encoder)[0])
    for size in ((40, 30), (33, 60), (16, 12)):
        contents = [encoded(mode, size) for mode in MODES]
        got = function(tf.constant(contents))["pixels"].numpy()
        for mode, content, pixels in zip(MODES, contents, got):
            gap = np.abs(pixels - decode(encoder, content).pixels)
            assert gap.mean() < (8 if fit == "crop" else 1.5), (mode, size)  # Pillow crops by fractions of a pixel


def test_an_endpoint_that_loses_more_than_allowed_is_refused():
    from applied_dl.core.bundle import ExportedFile
    from applied_dl.core.records import Scores
    from applied_dl.exporting.precisions import _refuse_drop

    item = ExportedFile(file="saved_model", format="saved_model", variant="predict_bytes", bytes=0, metric=0.917, metric_drop=0.083)
    assert "0.0830 below that of Keras" in _refuse_drop(item, Scores(main="accuracy", metrics={}), 0.005).refused
    assert not _refuse_drop(item, Scores(main="accuracy", metrics={}), 0.1).refused
