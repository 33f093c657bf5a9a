"""An image in any form → uint8 (H, W, C), the same for training, calibration and prediction. Pillow and numpy only.

The steps, in this order: the first frame of an animation; EXIF orientation applied; palettes resolved; integers of more than 8 bits and
floats scaled to 8 bits by the range of the training images; transparency composited on one colour, chosen by the training images; CMYK to
RGB; grey or RGB as the model takes; resized by Pillow's bilinear filter, which averages when it shrinks, across first and then down: left
to itself, Pillow 13 chooses another order than Pillow 12, and pixels differ by 1.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from msgspec import Struct

from applied_dl.core.errors import DataError, known
from applied_dl.vision.image_files import MAX_PIXELS, open_image, refuse_bomb, what_it_is

RESIZES = ("stretch", "crop", "pad")
WHITE = (255, 255, 255)
SIXTEEN_BITS, UNIT = (0.0, 65535.0), (0.0, 1.0)


class ImageForm(Struct, frozen=True, kw_only=True):
    """How an image becomes the array that a model takes; the encoders of the tasks on images begin with these fields.

    Attributes:
        height, width, channels: what the model takes; 1 channel is grey, 3 are RGB.
        fit: how another aspect ratio becomes the model's: "stretch", "crop" (keeps the middle) or "pad" (grey bars).
        background: RGB colour on which transparent images are composited.
        integer_range, float_range: the values that become 0 and 255 in images of more than 8 bits, and in images of floats.
        brightness, contrast: smallest and largest mean and standard deviation of the training images, in 0..255.
        reduce_jpeg: large JPEGs are reduced while they are decoded, to no less than twice the size, as bundles without this field were
            trained. No phone or browser decodes so, and pixels of such files differ by up to 24 levels there.
    """

    height: int
    width: int
    channels: int
    fit: str = "stretch"
    background: tuple[int, int, int] = WHITE
    integer_range: tuple[float, float] = SIXTEEN_BITS
    float_range: tuple[float, float] = UNIT
    brightness: tuple[float, float] = (0.0, 255.0)
    contrast: tuple[float, float] = (0.0, 255.0)
    reduce_jpeg: bool = True


class Decoded(Struct, frozen=True):
    """One image as uint8 (H, W, C), and a note for the user, such as "animated, 12 frames: the first one is used"."""

    pixels: np.ndarray
    note: str = ""


def decode(form: ImageForm, source) -> Decoded:
    """One image as the model takes it.

    Args:
        form: what the model takes.
        source: a path, the bytes of a file, a PIL image or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).

    Raises:
        DataError: the image cannot be read; one sentence names it and the reason.
    """
    if isinstance(source, np.ndarray) and source.dtype == np.uint8 and source.shape == (form.height, form.width, form.channels):
        return Decoded(source)  # already in the form of the result
    return _any_form(form, source, _resize)


def decode_whole(form: ImageForm, source) -> np.ndarray:
    """One image as `decode` reads it, but in its own size: uint8 (H, W, C).

    Raises:
        DataError: the image cannot be read.
    """
    return _any_form(form, source, _as_channels).pixels


def check_resize(name: str) -> str:
    """The name of a way to resize, or a `UsageError` that suggests the nearest one."""
    return known("data.resize", name, RESIZES)


def _any_form(form: ImageForm, source, finish: Callable) -> Decoded:
    """An image of any form, upright and in 8 bits, through `finish(form, image) -> pixels`."""
    if isinstance(source, np.ndarray):
        return Decoded(finish(form, _from_array(form, source)))
    if isinstance(source, str | Path | bytes | bytearray | memoryview):
        return _from_file(form, source, finish)
    if hasattr(source, "convert") and hasattr(source, "mode"):
        return Decoded(finish(form, upright(form, source)))
    raise DataError(f"An image must be a path, bytes, a PIL image or an array; received {type(source).__name__}.")


def _from_file(form: ImageForm, source, finish: Callable) -> Decoded:
    from PIL import Image

    is_path = isinstance(source, str | Path)
    name = repr(str(source)) if is_path else "The image"
    if is_path and not os.path.isfile(source):  # False for names that are too long, too
        raise DataError(f"There is no file {name}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_image(source) as image:
                refuse_bomb(image.size, name)
                frames = getattr(image, "n_frames", 1)
                if image.format == "JPEG" and form.reduce_jpeg:
                    image.draft(None, (2 * form.width, 2 * form.height))
                several = frames > 1 and image.format not in ("MPO", "PSD", "ICO", "ICNS")
                note = f"animated, {frames} frames: the first one is used" if several else ""
                return Decoded(finish(form, upright(form, image)), note)
    except Image.DecompressionBombError:
        raise DataError(f"{name} has too many pixels: expected at most {MAX_PIXELS:,}; reduce it first.") from None
    except Image.UnidentifiedImageError:
        raise DataError(f"{name} cannot be read as an image: {what_it_is(source)}.") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, IndexError, TypeError, KeyError, RuntimeError, OverflowError) as error:
        if isinstance(error, PermissionError):
            raise DataError(f"{name} cannot be opened: permission denied.") from None
        raise DataError(f"{name} is damaged: {' '.join(str(error).split())}.") from None


def upright(form: ImageForm, image):
    """The first frame as an L or RGB image in its shown orientation, 8 bits, without transparency."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        floats = values.dtype.kind == "f"
        return Image.fromarray(_from_floats(values, form.float_range) if floats else _from_integers(values, form.integer_range))
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    if image.mode in ("LA", "La", "RGBA", "RGBa"):
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (*form.background, 255)), image).convert("RGB")
    return image.convert("L") if image.mode in ("1", "L") else image.convert("RGB")


def to_uint8(form: ImageForm, array: np.ndarray) -> np.ndarray:
    """Pixels of any number type as uint8: uint8 unchanged, booleans 0 or 255, others scaled by the form's ranges.

    Raises:
        DataError: values that are not finite, floats outside 0..1 where the training images were inside, or a type that holds no pixels.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "f":
        return _from_floats(array, form.float_range)
    if array.dtype == np.uint16 or (array.dtype.kind in "iu" and form.integer_range != SIXTEEN_BITS):
        return _from_integers(array, form.integer_range)
    if array.dtype.kind in "iu" and (array.size == 0 or (array.min() >= 0 and array.max() <= 255)):
        return array.astype(np.uint8)
    raise DataError(f"An image must be uint8 in 0..255, uint16, bool or floats in 0..1; received {array.dtype}.")


def _from_integers(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    if limits == SIXTEEN_BITS:
        return ((np.clip(values.astype(np.int64), 0, 65535) + 128) // 257).astype(np.uint8)
    return _scaled(values, limits)


def _from_floats(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    if not np.isfinite(values).all():
        raise DataError("An image of floats holds NaN or infinity; expected finite numbers.")
    if limits == UNIT:
        if values.size and (values.min() < 0 or values.max() > 1):
            raise DataError(
                f"An image of floats must lie in 0..1, received {values.min():.4g}..{values.max():.4g}; scale it, or give uint8 in 0..255."
            )
        return np.round(values * 255).astype(np.uint8)
    return _scaled(values, limits)


def _scaled(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    low, high = limits
    return np.round((np.clip(values.astype(np.float64), low, high) - low) * (255 / (high - low))).astype(np.uint8)


def _from_array(form: ImageForm, array: np.ndarray):
    from PIL import Image

    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (3, 4))) or 0 in array.shape:
        raise DataError(f"An image must have shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); received {array.shape}.")
    return upright(form, Image.fromarray(np.ascontiguousarray(to_uint8(form, array))))


def _resize(form: ImageForm, image) -> np.ndarray:
    """An L or RGB image in the form's size and channels, (H, W, C)."""
    size = (form.width, form.height)
    if image.size != size:
        image = image.convert("L" if form.channels == 1 else "RGB")
        if form.fit == "crop":
            image = _two_passes(image, size, _middle(image.size, size))
        elif form.fit == "pad":
            image = _padded(image, size)
        else:
            image = _two_passes(image, size)
    return _as_channels(form, image)


def _as_channels(form: ImageForm, image) -> np.ndarray:
    """An L or RGB image as (H, W, C) with the channels of the form."""
    pixels = np.asarray(image.convert("L" if form.channels == 1 else "RGB"), dtype=np.uint8)
    return pixels[..., None] if form.channels == 1 else pixels


def _two_passes(image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None):
    """`image.resize(size, BILINEAR, box)` with the order of its passes fixed: across, then down."""
    from PIL import Image

    left, top, right, bottom = box or (0, 0, *image.size)
    across = image.resize((size[0], image.height), Image.Resampling.BILINEAR, (left, 0, right, image.height))
    return across.resize(size, Image.Resampling.BILINEAR, (0, top, size[0], bottom))


def _middle(shown: tuple[int, int], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest box in the middle of an image that has the proportions of `size`, as `ImageOps.fit` chooses it."""
    width, height = shown
    ratio, wanted = width / height, size[0] / size[1]
    if ratio != wanted:
        width, height = (wanted * shown[1], shown[1]) if ratio >= wanted else (shown[0], shown[0] / wanted)
    left, top = (shown[0] - width) * 0.5, (shown[1] - height) * 0.5
    return left, top, left + width, top + height


def _padded(image, size: tuple[int, int]):
    """As `ImageOps.pad` on grey: the whole image, in the middle of bars."""
    from PIL import Image

    width, height = size
    ratio, wanted = image.width / image.height, width / height
    if ratio > wanted:
        height = round(image.height / image.width * width)
    elif ratio < wanted:
        width = round(image.width / image.height * height)
    inner = _two_passes(image, (width, height))
    out = Image.new(image.mode, size, 128 if image.mode == "L" else (128, 128, 128))
    out.paste(inner, (round((size[0] - width) * 0.5), round((size[1] - height) * 0.5)))
    return out
