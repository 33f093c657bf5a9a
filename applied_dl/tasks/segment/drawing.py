"""Masks as files and as colours over their image. Pillow and numpy only."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError

SHARE = 0.5  # of the class colour in an overlay
VOID_COLOR = (255, 255, 255)


def mask_png(mask: np.ndarray, palette: tuple[tuple[int, int, int], ...]) -> bytes:
    """A mask (H, W) as an indexed PNG: its values are the class numbers, its palette shows them in colour."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(mask, np.uint8), mode="P")
    image.putpalette([channel for color in _full(palette) for channel in color])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def read_mask(source: str | bytes | Path) -> np.ndarray:
    """The class numbers (H, W) of a prediction's `"mask"`: base64 as `predict` gives it, or a path as `predict --out` wrote it.

    Raises:
        DataError: it is no PNG.

    Example:
        >>> mask = read_mask(predictor.predict("street.jpg")[0]["mask"])
    """
    from PIL import Image, UnidentifiedImageError

    try:
        content = source if isinstance(source, bytes) else _content(source)
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image, np.uint8)
    except (OSError, ValueError, UnidentifiedImageError) as error:
        raise DataError(f"The mask {str(source)[:60]!r} cannot be read: {' '.join(str(error).split())[:100]}.") from None


def _content(source: str | Path) -> bytes:
    text = str(source)
    return base64.b64decode(text, validate=True) if text.startswith("iVBOR") else Path(text).read_bytes()


def colored(mask: np.ndarray, palette: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """A mask (…, H, W) as colours, uint8 (…, H, W, 3)."""
    return np.array(_full(palette), np.uint8)[mask]


def overlay(pixels: np.ndarray, mask: np.ndarray, palette: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """An image (…, H, W, C) under the colours of its mask (…, H, W), uint8 (…, H, W, 3)."""
    rgb = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
    mixed = (1 - SHARE) * rgb.astype(np.float32) + SHARE * colored(mask, palette)
    return np.round(mixed).astype(np.uint8)


def _full(palette: tuple[tuple[int, int, int], ...]) -> list[tuple[int, int, int]]:
    """256 colours: those of the classes, and void for all others."""
    return [*palette, *[VOID_COLOR] * (256 - len(palette))]
