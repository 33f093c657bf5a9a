"""The fitted state of the segmentation task: the form of its input, its classes, and how masks are read. No TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec import Struct, structs

from applied_dl.core import encoder_files as stored
from applied_dl.vision.images import ImageForm, decode, decode_whole

VOID = 255  # in encoded masks: a pixel that counts nowhere
MOST_CLASSES = 254
PADDING = 128  # grey beside images that are smaller than a tile
OVERLAP = 0.25  # share of a tile's side by which tiles overlap at least; the borders of a tile know only one side of their surroundings


class MaskCode(Struct, frozen=True, kw_only=True):
    """What the values of mask files mean.

    Attributes:
        kind: "index" (values are class numbers), "color" (colours are classes) or "shapes" (annotation files).
        values: the value of each class in files: a number, or a colour as 65536 r + 256 g + b.
        void: values of pixels that count nowhere.
        blurred: files are JPEGs or otherwise blurred: each pixel has the class of the nearest value.
    """

    kind: str = "index"
    values: tuple[int, ...] = ()
    void: tuple[int, ...] = (VOID,)
    blurred: bool = False


class SegmentEncoder(ImageForm, frozen=True, kw_only=True):
    """The fitted state of the segmentation task.

    Attributes:
        labels: the classes by their number in masks.
        palette: the RGB colour in which each class is drawn.
        code: what the values of mask files mean.
    """

    labels: tuple[str, ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()
    code: MaskCode = MaskCode()

    @property
    def tiled(self) -> bool:
        """Whether images keep their size and are cut into tiles of the model's size."""
        return self.fit == "tile"


class View(NamedTuple):
    """How one image lies in the rows that it was encoded to.

    Args:
        height, width: of the image as it is shown.
        places: the top left corner of each row in the image, for tiles; else empty.
    """

    height: int
    width: int
    places: tuple[tuple[int, int], ...] = ()


save = stored.save


def load(folder: Path) -> SegmentEncoder:
    """Read `encoder.json`. Raises `DataError` where it is damaged."""
    return stored.read(SegmentEncoder, folder)


def encode_image(encoder: SegmentEncoder, source) -> tuple[np.ndarray, View]:
    """One image as rows of the model.

    Args:
        encoder: the fitted state.
        source: a path, the bytes of a file, a PIL image or an array.

    Returns:
        uint8 (R, H, W, C), one row but for tiles, and how the image lies in them.

    Raises:
        DataError: the image cannot be read.
    """
    whole = decode_whole(encoder, source)
    height, width = whole.shape[:2]
    if not encoder.tiled:
        return decode(encoder, whole).pixels[None], View(height, width)
    places = tile_places(height, width, encoder.height, encoder.width)
    return tiles_of(whole, places, (encoder.height, encoder.width), PADDING), View(height, width, places)


def tile_places(height: int, width: int, high: int, wide: int) -> tuple[tuple[int, int], ...]:
    """Top left corners of tiles of `high` by `wide` pixels that cover an image, evenly spread; one where the image is smaller."""

    def starts(size: int, tile: int) -> list[int]:
        if size <= tile:
            return [0]
        count = 1 + -(-(size - tile) // max(1, int(tile * (1 - OVERLAP))))
        return [round(i * (size - tile) / (count - 1)) for i in range(count)]

    return tuple((top, left) for top in starts(height, high) for left in starts(width, wide))


def tiles_of(array: np.ndarray, places: tuple[tuple[int, int], ...], size: tuple[int, int], fill: int) -> np.ndarray:
    """Tiles (R, *size, …) of an array (H, W, …), filled up where it is smaller."""
    short = [(0, max(0, wanted - side)) for wanted, side in zip(size, array.shape)]
    padded = np.pad(array, short + [(0, 0)] * (array.ndim - 2), constant_values=fill) if any(b for _, b in short) else array
    return np.stack([padded[top : top + size[0], left : left + size[1]] for top, left in places])


def fit_mask(encoder: SegmentEncoder, mask: np.ndarray) -> np.ndarray:
    """A mask (H, W) of class numbers in the model's size, as `vision.images.decode` places the image: nearest neighbour, void in bars."""
    from PIL import Image

    size = (encoder.width, encoder.height)
    if mask.shape == size[::-1]:
        return mask
    image = Image.fromarray(np.ascontiguousarray(mask))
    if encoder.fit != "pad":
        return np.asarray(image.resize(size, Image.Resampling.NEAREST))
    top, left, high, wide = inner_box(encoder, *mask.shape)
    out = np.full(size[::-1], VOID, np.uint8)
    out[top : top + high, left : left + wide] = np.asarray(image.resize((wide, high), Image.Resampling.NEAREST))
    return out


def inner_box(encoder: SegmentEncoder, height: int, width: int) -> tuple[int, int, int, int]:
    """Where an image lies between its bars: top, left, height, width (as `vision.images` pads)."""
    ratio, wanted = width / height, encoder.width / encoder.height
    high, wide = encoder.height, encoder.width
    if ratio > wanted:
        high = round(height / width * wide)
    elif ratio < wanted:
        wide = round(width / height * high)
    return round((encoder.height - high) * 0.5), round((encoder.width - wide) * 0.5), max(high, 1), max(wide, 1)


def restore_mask(encoder: SegmentEncoder, rows: np.ndarray, view: View) -> np.ndarray:
    """The mask (height, width) of an image from the masks (R, H, W) of its rows, at the size of the image.

    Where tiles overlap, each pixel comes from the tile whose border is farthest from it.
    """
    from PIL import Image

    if not view.places:
        mask = rows[0]
        if encoder.fit == "pad":
            top, left, high, wide = inner_box(encoder, view.height, view.width)
            mask = mask[top : top + high, left : left + wide]
        if mask.shape == (view.height, view.width):
            return mask
        return np.asarray(Image.fromarray(np.ascontiguousarray(mask)).resize((view.width, view.height), Image.Resampling.NEAREST))
    out, best = np.zeros((view.height, view.width), np.uint8), np.full((view.height, view.width), -1, np.int32)
    inside = np.minimum.outer(_to_border(encoder.height), _to_border(encoder.width))
    for row, (top, left) in zip(rows, view.places):
        high, wide = min(encoder.height, view.height - top), min(encoder.width, view.width - left)
        place = (slice(top, top + high), slice(left, left + wide))
        better = inside[:high, :wide] > best[place]
        out[place][better], best[place][better] = row[:high, :wide][better], inside[:high, :wide][better]
    return out


def _to_border(size: int) -> np.ndarray:
    """Pixels from each place to the nearer end."""
    return np.minimum(np.arange(size), np.arange(size)[::-1]).astype(np.int32)


def with_labels(form: ImageForm, labels: tuple[str, ...], palette, code: MaskCode) -> SegmentEncoder:
    """An encoder of this form."""
    return SegmentEncoder(**structs.asdict(form), labels=labels, palette=tuple(palette), code=code)
