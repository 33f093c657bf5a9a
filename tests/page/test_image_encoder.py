"""The image encoder of the page gives the pixels of Pillow: every size, fit and number of channels."""

import numpy as np
import pytest
from msgspec import to_builtins
from PIL import Image, ImageOps

from applied_dl.core.errors import DataError
from applied_dl.tasks.image.encoder import ImageEncoder
from applied_dl.vision.images import RESIZES, decode
from tests.page import javascript

CASES = 240
NO_RULES = {"patterns": {}}


def pillow(encoder: ImageEncoder, pixels: np.ndarray) -> np.ndarray:
    """Pillow's own crop, pad and resize, whose order of passes depends on its version."""
    image = Image.fromarray(pixels).convert("L" if encoder.channels == 1 else "RGB")
    size, grey = (encoder.width, encoder.height), 128 if encoder.channels == 1 else (128, 128, 128)
    if image.size == size:
        made = image
    elif encoder.fit == "crop":
        made = ImageOps.fit(image, size, Image.Resampling.BILINEAR)
    elif encoder.fit == "pad":
        made = ImageOps.pad(image, size, Image.Resampling.BILINEAR, color=grey)
    else:
        made = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(made).reshape(encoder.height, encoder.width, encoder.channels)


@pytest.fixture(scope="module")
def cases() -> list[tuple[ImageEncoder, np.ndarray]]:
    random = np.random.default_rng(0)
    found = []
    for i in range(CASES):
        (height, width), (high, wide) = random.integers(1, 40, 2), random.integers(1, 90, 2)
        encoder = ImageEncoder(height=int(height), width=int(width), channels=(1, 3)[i % 2], fit=RESIZES[i % 3], reduce_jpeg=False)
        found.append((encoder, random.integers(0, 256, (high, wide, 3), dtype=np.uint8)))
    return found


def test_the_pixels_are_those_of_python(cases):
    opaque = [np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]) for _, pixels in cases]
    given = [
        {"encoder": to_builtins(encoder), "width": pixels.shape[1], "height": pixels.shape[0], "rgba": rgba.ravel().tolist()}
        for (encoder, pixels), rgba in zip(cases, opaque)
    ]
    for (encoder, pixels), got in zip(cases, javascript.encode("image", NO_RULES, None, given), strict=True):
        try:
            want = decode(encoder, pixels).pixels
        except (DataError, ValueError):  # padded to nothing
            assert got is None
            continue
        np.testing.assert_array_equal(np.array(got), want.ravel(), err_msg=f"{encoder} of {pixels.shape}")


def test_the_fixed_order_of_passes_is_pillows_to_one_level(cases):
    for encoder, pixels in cases:
        try:
            got, want = decode(encoder, pixels).pixels, pillow(encoder, pixels)
        except ValueError:
            continue
        assert np.abs(got.astype(int) - want).max() <= 1
