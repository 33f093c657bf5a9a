"""Mask files as people have them → class numbers: indexed PNGs, grey values, colours, blurred JPEGs, shapes."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.tasks.segment.encoder import VOID, MaskCode
from applied_dl.tasks.segment.readers.classes import unpacked_color
from applied_dl.tasks.segment.readers.shapes import Drawn, draw
from applied_dl.vision.image_files import open_image

CLOSE = 60  # distance in 0..255 per channel within which a blurred colour belongs to a class
ORIENTATION = 0x0112  # EXIF


def raw_mask(source, color: bool | None = None) -> np.ndarray:
    """The values of a mask file, int32 (H, W): class numbers, or colours as 65536 r + 256 g + b where its pixels are not grey.

    Args:
        source: a path, an array, or the paths of masks that show an object each.
        color: give colours for grey and indexed files too (True), or never (False); None decides by the file.

    Raises:
        DataError: the file cannot be read, or holds no whole numbers.
    """
    if isinstance(source, tuple):
        return _together(source, color)
    if isinstance(source, np.ndarray):
        return _values(source, "The mask", color)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_image(source) as image:
                from PIL import ImageOps

                image = ImageOps.exif_transpose(image)
                if image.mode == "P" and color:
                    image = image.convert("RGB")
                if image.mode in ("CMYK", "YCbCr", "HSV", "LAB", "PA"):
                    image = image.convert("RGB")
                return _values(np.asarray(image), repr(str(source)), color)
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"There is no mask {str(source)!r}.") from None
    except Exception as error:  # damaged files raise whatever Pillow's plugins raise
        raise DataError(f"The mask {str(source)!r} cannot be read: {' '.join(str(error).split())[:150]}.") from None


def _together(files: tuple[Path, ...], color: bool | None) -> np.ndarray:
    """One mask of 0 and 255 from several that show an object each. Raises `DataError` where one holds more than two values."""
    inside = None
    for file in files:
        values = raw_mask(file, False)
        if len(np.unique(values)) > 2 or (inside is not None and inside.shape != values.shape):
            raise DataError(
                f"The mask {str(file)!r} is one of {len(files)} of its image and holds several classes, or another size; expected one mask "
                "of all classes, or a black and white mask of the same size for each object."
            )
        inside = (values > 0) if inside is None else inside | (values > 0)
    return np.where(inside, 255, 0).astype(np.int32) * (0x010101 if color else 1)


def _values(array: np.ndarray, name: str, color: bool | None) -> np.ndarray:
    if array.ndim == 3 and array.shape[-1] in (2, 4):
        alpha, array = array[..., -1], array[..., :-1]
        if array.size and (array == array[:1, :1]).all() and alpha.min() != alpha.max():
            array = alpha  # a single colour, cut out by its transparency
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (array != np.round(array)).any():
            raise DataError(f"{name} holds numbers that are not whole; expected the class number of each pixel.")
        array = array.astype(np.int32)
    if array.ndim == 3 and array.shape[-1] == 3:
        if not color and (color is False or ((array[..., 0] == array[..., 1]) & (array[..., 1] == array[..., 2])).all()):
            return array[..., 0].astype(np.int32)
        wide = array.astype(np.int32)
        return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    if array.ndim != 2:
        raise DataError(f"{name} has the shape {array.shape}; expected one value or one colour per pixel.")
    values = array.astype(np.int32)
    return values * 0x010101 if color else values


def count_values(masks: Iterable, color: bool | None = None) -> list[Counter | DataError]:
    """The values of each mask with their pixels, or why it cannot be read."""

    def counted(mask) -> Counter | DataError:
        try:
            values, pixels = np.unique(raw_mask(mask, color), return_counts=True)
        except DataError as error:
            return error
        return Counter(dict(zip(values.tolist(), pixels.tolist())))

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(counted, masks))


def class_mask(code: MaskCode, labels: tuple[str, ...], source) -> np.ndarray:
    """The class number of each pixel, uint8 (H, W), 255 for void.

    Args:
        code: what the values mean.
        labels: the classes.
        source: a path, an array or the shapes of an annotation file.

    Raises:
        DataError: the mask cannot be read, or holds a value that is no class.
    """
    if isinstance(source, Drawn):
        return draw(source, labels).astype(np.uint8)
    raw = raw_mask(source, code.kind == "color")
    values, place = np.unique(raw, return_inverse=True)
    known = {value: i for i, value in enumerate(code.values)} | dict.fromkeys(code.void, VOID)
    if code.blurred:
        numbers = _nearest(values, code)
    else:
        strange = [int(value) for value in values if int(value) not in known]
        numbers = np.array([known.get(int(value), VOID) for value in values], np.uint8)
        if strange and np.isin(raw, strange).mean() > (0.01 if code.kind == "color" else 0):  # a few pixels of mixed colours are void
            name = f"the colour RGB {unpacked_color(strange[0])}" if code.kind == "color" else f"the value {strange[0]}"
            first = source[0] if isinstance(source, tuple) else source
            where = repr(str(first)) if isinstance(first, str | Path) else "in an array"
            raise DataError(
                f"The mask {where} holds {name}, which is no class of the training masks; list it in data.ignore or data.classes."
            )
    return numbers[place.reshape(raw.shape)]


def _nearest(values: np.ndarray, code: MaskCode) -> np.ndarray:
    """The class of each value by the nearest one; void where none is near."""
    every = [*code.values, *code.void]
    numbers = np.array([*range(len(code.values)), *[VOID] * len(code.void)], np.uint8)
    if code.kind == "color":
        points, classes = (np.array([unpacked_color(int(v)) for v in some], np.float32) for some in (values, every))
    else:
        points, classes = (np.array(some, np.float32)[:, None] for some in (values, every))
    gaps = np.abs(points[:, None] - classes[None]).max(-1)
    far = gaps.min(1) > (CLOSE if code.kind == "color" else 127.5)
    return np.where(far, np.uint8(VOID), numbers[gaps.argmin(1)])
