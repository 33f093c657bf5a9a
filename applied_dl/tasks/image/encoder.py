"""A picture in any form → `uint8 (H, W, C)`, the same for training, calibration and prediction. Pillow and numpy only.

What is done, in this order: the first frame of an animation; EXIF orientation applied; palettes resolved; transparency laid on white; CMYK
to RGB; 16 bits scaled to 8 (never clipped); grey or RGB as the model wants; resized by Pillow's bilinear filter, which averages when it
shrinks. Large JPEGs are first reduced while they are decoded (at least twice the wanted size is kept).
"""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np
from msgspec import Struct

from applied_dl.core import encoder_files as stored
from applied_dl.core.errors import DataError, UsageError, nearest

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_PIXELS = 120_000_000  # a picture with more is refused before it is decoded (decompression bombs)
MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")
FITS = ("stretch", "crop", "pad")
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")


class ImageEncoder(Struct, frozen=True, kw_only=True):
    """The fitted state: the size and channels the model takes, its classes, and how bright and varied training pictures were.

    `fit` says how another aspect ratio becomes the model's: "stretch", "crop" (the middle is kept) or "pad" (grey bars).
    `brightness` and `contrast` are the range over training pictures of their mean and standard deviation, in 0..255.
    """

    height: int
    width: int
    channels: int
    fit: str = "stretch"
    labels: tuple[str, ...] = ()
    multi_label: bool = False
    brightness: tuple[float, float] = (0.0, 255.0)
    contrast: tuple[float, float] = (0.0, 255.0)


class Decoded(Struct, frozen=True):
    """One picture as `uint8 (H, W, C)`; `note` tells what a person should know ("animated, 12 frames: the first one is used")."""

    pixels: np.ndarray
    note: str = ""


def decode(encoder: ImageEncoder, source) -> Decoded:
    """A path, the bytes of a file, a PIL image or an array as the model takes it. Raises `DataError` with one sentence."""
    if isinstance(source, np.ndarray):
        if source.dtype == np.uint8 and source.shape == (encoder.height, encoder.width, encoder.channels):
            return Decoded(source)  # it is what all that follows would leave as it is
        return Decoded(_shape(encoder, _from_array(source)))
    if isinstance(source, str | Path | bytes | bytearray | memoryview):
        return _from_file(encoder, source)
    if hasattr(source, "convert") and hasattr(source, "mode"):
        return Decoded(_shape(encoder, _upright(source)))
    raise DataError(f"A picture must be a path, bytes, a PIL image or an array; received {type(source).__name__}.")


def peek(path: Path) -> tuple[int, int, bool] | None:
    """Height, width and whether it is grey, from the header alone; None where it cannot be read."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                turned = image.getexif().get(0x0112, 1) >= 5
                width, height = image.size[::-1] if turned else image.size
                return height, width, image.mode in GREY_MODES
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


save = stored.save


def load(folder: Path) -> ImageEncoder:
    """Read `encoder.json`. Raises `DataError` where it is damaged."""
    return stored.read(ImageEncoder, folder)


def check_fit(name: str) -> str:
    """The name of a way to fit, or a `UsageError` that names the nearest."""
    if name not in FITS:
        raise UsageError(f"Unknown data.resize {name!r}.{nearest(name, FITS)}")
    return name


def _from_file(encoder: ImageEncoder, source) -> Decoded:
    from PIL import Image

    is_path = isinstance(source, str | Path)
    name = repr(str(source)) if is_path else "The picture"
    if is_path and not os.path.isfile(source):  # False for names that are too long, too
        raise DataError(f"There is no file {name}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(source if is_path else io.BytesIO(source)) as image:
                _refuse_bomb(image.size, name)
                frames = getattr(image, "n_frames", 1)
                if image.format == "JPEG":
                    image.draft(None, (2 * encoder.width, 2 * encoder.height))
                note = f"animated, {frames} frames: the first one is used" if frames > 1 and image.format != "MPO" else ""
                return Decoded(_shape(encoder, _upright(image)), note)
    except Image.DecompressionBombError:
        raise DataError(f"{name} has too many pixels: expected at most {MAX_PIXELS:,}; reduce it first.") from None
    except Image.UnidentifiedImageError:
        raise DataError(f"{name} is no picture that can be read: {_what_it_is(source, is_path)}.") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, IndexError, TypeError) as error:
        if isinstance(error, PermissionError):
            raise DataError(f"{name} cannot be opened: permission denied.") from None
        raise DataError(f"{name} is damaged: {error}.") from None


def _what_it_is(source, is_path: bool) -> str:
    with open(source, "rb") if is_path else io.BytesIO(source) as file:
        head = file.read(16)
    if not head:
        return "it is empty (0 bytes)"
    if head.startswith(MAGIC) or head[8:12] == b"WEBP":
        return f"it begins as one ({head[:8]!r}) and is cut short or damaged"
    return f"its first bytes are {head[:8]!r}; expected JPEG, PNG, WebP, BMP, GIF or TIFF"


def _refuse_bomb(size: tuple[int, int], name: str) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise DataError(f"{name} is {size[0]} by {size[1]} pixels: expected at most {MAX_PIXELS:,} in all; reduce it first.")


def _upright(image):
    """The first frame as an L or RGB image the right way up."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_from_numbers(np.asarray(image)))
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    if image.mode in ("LA", "La", "RGBA", "RGBa"):
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("L") if image.mode in ("1", "L") else image.convert("RGB")


def _from_numbers(values: np.ndarray) -> np.ndarray:
    """16-bit integers, or floats in 0..1, as 8 bits."""
    if values.dtype.kind == "f":
        return _from_floats(values)
    return ((np.clip(values.astype(np.int64), 0, 65535) + 128) // 257).astype(np.uint8)


def _from_floats(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise DataError("A picture of floats holds NaN or infinity; expected numbers in 0..1.")
    if values.size and (values.min() < 0 or values.max() > 1):
        raise DataError(
            f"A picture of floats must lie in 0..1, received {values.min():.4g}..{values.max():.4g}; scale it, or give uint8 in 0..255."
        )
    return np.round(values * 255).astype(np.uint8)


def as_uint8(array: np.ndarray) -> np.ndarray:
    """Pictures of any accepted number type as uint8: uint8 as it is, uint16 scaled, booleans 0 or 255, floats from 0..1."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "f":
        return _from_floats(array)
    if array.dtype == np.uint16:
        return _from_numbers(array)
    if array.dtype.kind in "iu" and (array.size == 0 or (array.min() >= 0 and array.max() <= 255)):
        return array.astype(np.uint8)
    raise DataError(f"A picture must be uint8 in 0..255, uint16, bool or floats in 0..1; received {array.dtype}.")


def _from_array(array: np.ndarray):
    from PIL import Image

    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (3, 4))) or 0 in array.shape:
        raise DataError(f"A picture must have shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); received {array.shape}.")
    return _upright(Image.fromarray(np.ascontiguousarray(as_uint8(array))))


def _shape(encoder: ImageEncoder, image) -> np.ndarray:
    """An L or RGB image in the encoder's size and channels, (H, W, C)."""
    from PIL import Image, ImageOps

    image = image.convert("L" if encoder.channels == 1 else "RGB")
    size = (encoder.width, encoder.height)
    if image.size != size:
        if encoder.fit == "crop":
            image = ImageOps.fit(image, size, Image.Resampling.BILINEAR)
        elif encoder.fit == "pad":
            image = ImageOps.pad(image, size, Image.Resampling.BILINEAR, color=128 if encoder.channels == 1 else (128, 128, 128))
        else:
            image = image.resize(size, Image.Resampling.BILINEAR)
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[..., None] if encoder.channels == 1 else pixels
