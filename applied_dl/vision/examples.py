"""Images that a bundle keeps to verify its encoder: drawn, not taken from anybody's data."""

from __future__ import annotations

import io

import numpy as np

from applied_dl.vision.images import ImageForm

LARGEST = 64  # pixels of a side that their sizes follow, so that the files stay small


def examples(encoder: ImageForm) -> list[bytes]:
    """A JPEG, of small models large enough to be reduced, and a PNG of another shape with transparency; smooth, with fine detail."""
    from PIL import Image

    wide, high = min(encoder.width, LARGEST), min(encoder.height, LARGEST)
    photo, drawing = io.BytesIO(), io.BytesIO()
    Image.fromarray(_waves(4 * high + 5, 5 * wide + 3)).save(photo, "JPEG", quality=80)
    waves = _waves(2 * wide + 1, wide + 2)
    Image.fromarray(np.dstack([waves, waves[..., :1]])).save(drawing, "PNG")
    return [photo.getvalue(), drawing.getvalue()]


def _waves(height: int, width: int) -> np.ndarray:
    """uint8 (height, width, 3)."""
    y, x, c = np.ogrid[:height, :width, :3]
    waves = 128 + 80 * np.sin(x / (3 + c) + c) * np.cos(y / (5 - c)) + 40 * np.sin(x * y / 17)
    return np.clip(waves, 0, 255).astype(np.uint8)
