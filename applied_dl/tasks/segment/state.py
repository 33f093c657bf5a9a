"""What training a segmentation net needs beside the encoder."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from applied_dl.layers.pixels import PixelStatistics


class SegmentState(Struct, frozen=True, kw_only=True):
    """What `prepare` fitted on the training images.

    Attributes:
        pixels: the pixel normalisation of a net from scratch.
        counts: (C,) training pixels of each class.
        pretrained: a pretrained encoder suits the images, where the recipe leaves it open.
    """

    pixels: PixelStatistics
    counts: np.ndarray
    pretrained: bool = False
