"""The size, the channels and the decoding of the model's input, from the training images."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.vision.image_files import Header
from applied_dl.vision.images import ImageForm
from applied_dl.vision.ranges import fit_ranges, header_of

SAMPLE = 500  # images whose header decides
LARGEST = {"fast": 160 * 160, "default": 320 * 320, "best": 512 * 512}  # pixels of an input
SMALL = 48  # pixels of the shorter side, below which a net is trained from scratch by default
TILE = 256
MULTIPLE = 16
OTHER = 0.05  # by which the proportions of an image differ from those of most


def fit_input(data, items: list, preset: str, weights: str | None) -> tuple[ImageForm, bool, list[str]]:
    """The form of the input, whether its encoder is pretrained, and notes.

    Args:
        data: the recipe's section: `image_size`, `channels` and `resize` are kept where they are set.
        items: training images, paths or arrays.
        preset: the recipe's preset.
        weights: of the encoder; "none" for none, None where the images decide.

    Raises:
        DataError: no image can be read, or `data.image_size` is out of range.
    """
    sample = [items[i] for i in np.unique(np.linspace(0, len(items) - 1, min(len(items), SAMPLE)).astype(int))]
    headers = [(item, header) for item in sample if (header := header_of(item))]
    known = [header for _, header in headers]
    if not known:
        raise DataError(f"None of the {len(items)} training images can be read; the first: {str(items[0])[:100]!r}.")
    height, width = data.image_size or _size(known, preset, data.resize == "tile")
    if min(height, width) < 16 or max(height, width) > 2048:
        raise DataError(f"data.image_size must lie between 16 and 2048 pixels, received {height} by {width}.")
    pretrained = weights != "none" if weights is not None else min(height, width) >= SMALL and data.channels != 1
    channels = data.channels or (1 if all(header.grey for header in known) and not pretrained else 3)
    form = ImageForm(height=height, width=width, channels=channels, fit=data.resize, reduce_jpeg=False)
    form, notes = fit_ranges(form, headers)
    return form, pretrained, notes + (_stretched(known) if data.resize == "stretch" else [])


def _stretched(known: list[Header]) -> list[str]:
    """A note on images whose proportions are not those of most."""
    shapes = np.array([header.width / header.height for header in known])
    count = int((np.abs(shapes / np.median(shapes) - 1) > OTHER).sum())
    keep = 'data.resize = "pad" or "tile" keeps their proportions'
    return [f"{count} of {len(known)} images have other proportions than the others and are stretched: {keep}"] if count else []


def _size(known: list[Header], preset: str, tiled: bool) -> tuple[int, int]:
    """The median size, reduced to the preset's number of pixels, in multiples of 16."""
    height, width = (float(np.median(sides)) for sides in zip(*((header.height, header.width) for header in known)))
    if tiled:
        height, width = (min(side, TILE) for side in (height, width))
    factor = min(1.0, (LARGEST[preset] / (height * width)) ** 0.5)
    high, wide = (max(MULTIPLE, MULTIPLE * round(side * factor / MULTIPLE)) for side in (height, width))
    return high, wide
