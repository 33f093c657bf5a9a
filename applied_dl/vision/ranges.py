"""What training images decide about their decoding: the range of deep pixels, the colour behind transparency, and their light."""

from __future__ import annotations

import warnings
from typing import TypeVar

import numpy as np
from msgspec import structs

from applied_dl.core.mapped import sampled_pieces
from applied_dl.vision.image_files import Header, open_image, peek
from applied_dl.vision.images import SIXTEEN_BITS, UNIT, WHITE, ImageForm

OPENED = 100  # of them, images whose pixels decide the range and the background
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "F")
DEPTHS = (1023.0, 4095.0, 16383.0, 65535.0)  # largest values of 10, 12, 14 and 16 bits
VISIBLE = 32.0  # levels by which a shape must differ from its background
THUMBNAIL = 64

Form = TypeVar("Form", bound=ImageForm)


def header_of(item) -> Header | None:
    """The header of an image file or of an array; None where it cannot be read."""
    if isinstance(item, np.ndarray):
        grey = item.ndim == 2 or item.shape[-1] == 1
        return Header(item.shape[0], item.shape[1], grey, str(item.dtype), item.ndim == 3 and item.shape[-1] == 4)
    return peek(item)


def fit_ranges(encoder: Form, headers: list[tuple]) -> tuple[Form, list[str]]:
    """The encoder with its ranges and its background, from the pixels of a sample of (item, header), and notes."""
    notes = []
    deep = [item for item, header in headers if header.mode in DEEP_MODES or (isinstance(item, np.ndarray) and item.dtype != np.uint8)]
    values = [v for item in deep[:OPENED] if (v := _values(item)) is not None and v.dtype != bool]
    integers, floats = ([v for v in values if (v.dtype.kind == "f") == kind] for kind in (False, True))
    if integers and (limits := _integer_range(integers)) != SIXTEEN_BITS:
        encoder = structs.replace(encoder, integer_range=limits)
        notes.append(f"images of more than 8 bits: the values {limits[0]:g} to {limits[1]:g} of the training images become 0 to 255")
    if floats and (limits := _float_range(floats)) != UNIT:
        encoder = structs.replace(encoder, float_range=limits)
        notes.append(f"images of floats: the values {limits[0]:g} to {limits[1]:g} of the training images become 0 to 255")
    clear = [item for item, header in headers if header.transparent][:OPENED]
    background = _background([pixels for item in clear if (pixels := _transparent(item)) is not None], encoder.channels == 1)
    if background != WHITE:
        encoder = structs.replace(encoder, background=background)
        notes.append(f"transparent images are shown on the colour RGB {background}: on white their shapes would not be seen")
    return encoder, notes


def with_light(encoder: Form, pixels: np.ndarray, images: int = 5000) -> Form:
    """The encoder with the range of brightness and contrast of training images (N, H, W, C), measured on at most `images` of them."""
    mean, deviation = [], []
    for part in sampled_pieces(pixels, images):
        flat = part.reshape(len(part), -1).astype(np.float32)
        mean.append(flat.mean(1))
        deviation.append(flat.std(1))
    brightness, contrast = ((round(float(v.min()), 2), round(float(v.max()), 2)) for v in map(np.concatenate, (mean, deviation)))
    return structs.replace(encoder, brightness=brightness, contrast=contrast)


def _values(item) -> np.ndarray | None:
    """The raw pixels of an image of integers or floats; None where it cannot be read."""
    if isinstance(item, np.ndarray):
        return item
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_image(item) as image:
                return np.asarray(image)
    except Exception:  # the decoder names the reason later
        return None


def _integer_range(values: list[np.ndarray]) -> tuple[float, float]:
    """0 to the largest value of a usual depth where the images use at least half of it, else their own smallest and largest value."""
    low, high = float(min(v.min() for v in values)), float(max(v.max() for v in values))
    if high <= 255 and low >= 0:
        return (0.0, 255.0) if values[0].dtype == np.uint16 or values[0].dtype == np.int32 else SIXTEEN_BITS  # others are taken as they are
    depth = next((depth for depth in DEPTHS if high <= depth), None)
    if depth and low >= 0 and high - low >= depth / 2:
        return 0.0, depth
    return low, max(high, low + 1)


def _float_range(values: list[np.ndarray]) -> tuple[float, float]:
    """0..1, -1..1 or 0..255 where the images fill it, else their own smallest and largest value; values that are not finite apart."""
    finite = [v[np.isfinite(v)] for v in values]
    finite = [v for v in finite if v.size]
    if not finite:
        return UNIT
    low, high = float(min(v.min() for v in finite)), float(max(v.max() for v in finite))
    for limits in (UNIT, (-1.0, 1.0), (0.0, 255.0)):
        if limits[0] <= low and high <= limits[1]:
            return limits
    return low, high


def _transparent(item) -> np.ndarray | None:
    """A small RGBA image, uint8 (h, w, 4); None where it is opaque or cannot be read."""
    from PIL import Image

    try:
        image = Image.fromarray(item) if isinstance(item, np.ndarray) else open_image(item)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = image.convert("RGBA")
    except Exception:  # the decoder names the reason later
        return None
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.NEAREST)
    pixels = np.asarray(image)
    alpha = pixels[..., 3]
    return None if alpha.min() == 255 or alpha.max() == 0 else pixels


def _background(images: list[np.ndarray], grey: bool) -> tuple[int, int, int]:
    """White where the shapes of nearly all images are seen on it, else the colour of a coarse grid on which they are seen best."""
    if not images:
        return WHITE
    levels = (0, 64, 128, 191, 255)
    candidates = [(a, a, a) for a in levels] if grey else [(a, b, c) for a in levels for b in levels for c in levels]
    colors = np.array([WHITE, (128, 128, 128), *candidates], np.float32)  # (K, 3); of equals the first wins
    contrast = np.stack([_contrast(pixels, colors) for pixels in images])  # (N, K)
    seen = np.quantile(contrast, 0.05, axis=0)
    if seen[0] >= VISIBLE:
        return WHITE
    best = 1 if seen[1] >= VISIBLE else int(np.argmax(seen))
    red, green, blue = (int(value) for value in colors[best])
    return red, green, blue


def _contrast(pixels: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """(K,) mean absolute difference of the opaque part of an image from each colour."""
    weight = pixels[..., 3].reshape(-1).astype(np.float32)
    shown = weight > 0
    rgb, weight = pixels[..., :3].reshape(-1, 3)[shown].astype(np.float32), weight[shown]
    return np.array([(np.abs(rgb - color).mean(1) @ weight) / weight.sum() for color in colors], np.float32)
