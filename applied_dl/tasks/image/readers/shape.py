"""What the training images decide about the model's input: its size and channels, and how they are decoded."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.tasks.image.encoder import ImageEncoder
from applied_dl.vision.image_files import Header
from applied_dl.vision.images import check_resize
from applied_dl.vision.ranges import fit_ranges, header_of

SAMPLE = 500  # images whose header decides the size and the channels
SMALL = 64  # pixels; images up to this size are taken as they are
SIZES = {"fast": 64, "default": 96, "best": 128}  # side of larger images for a net without pretrained weights
BACKBONE_SIZES = {"fast": 160, "default": 224, "best": 224}  # the sizes that pretrained trunks were trained with
EMBEDDED_SIZES = {"fast": 128, "default": 224, "best": 224}  # for the trunk inside the package
MANY, SIZE_OF_MANY = 3000, 160  # images from which on it sees them smaller under the default preset, for the time


def fit_input(data, items: list, preset: str, weights: str | None) -> tuple[ImageEncoder, list[str]]:
    """An encoder with everything but the labels, and notes.

    Args:
        data: the recipe's section: `image_size`, `channels` and `resize` are kept where they are set.
        items: training images, paths or arrays.
        preset: the recipe's preset.
        weights: pretrained weights: the size is then the trunk's and the channels are RGB. "none" if there are none; None if that is
            still open: colour images then have the size for the trunk inside the package.

    Raises:
        DataError: `data.image_size` is out of range.
    """
    sample = [items[i] for i in np.unique(np.linspace(0, len(items) - 1, min(len(items), SAMPLE)).astype(int))]
    headers = [(item, header) for item in sample if (header := header_of(item))]
    known = [header for _, header in headers] or [Header(SMALL, SMALL, False)]
    scratch = weights in (None, "none")
    channels = data.channels or (1 if all(header.grey for header in known) and scratch else 3)
    if weights is None:
        weights = "embedded" if channels == 3 else "none"
    height, width = data.image_size or _size(known, preset, weights, len(items))
    if min(height, width) < 4 or max(height, width) > 2048:
        raise DataError(f"data.image_size must lie between 4 and 2048 pixels, received {height} by {width}.")
    encoder = ImageEncoder(height=height, width=width, channels=channels, fit=check_resize(data.resize), reduce_jpeg=False)
    return fit_ranges(encoder, headers)


def _size(known: list[Header], preset: str, weights: str, count: int) -> tuple[int, int]:
    """The height and width of the input. Small images keep theirs, but for trunks that do not enlarge them inside the graph."""
    if weights not in ("none", "embedded"):
        return BACKBONE_SIZES[preset], BACKBONE_SIZES[preset]
    first = known[0]
    if len({(header.height, header.width) for header in known}) == 1 and max(first.height, first.width) <= SMALL:
        return first.height, first.width
    sizes = EMBEDDED_SIZES if weights == "embedded" else SIZES
    side, largest = float(np.median([min(header.height, header.width) for header in known])), sizes[preset]
    if weights == "embedded" and side > SMALL:
        largest = min(largest, SIZE_OF_MANY) if count > MANY and preset == "default" else largest
        return largest, largest
    side = max(8, 8 * round(side / 8)) if side <= largest else largest
    return side, side
