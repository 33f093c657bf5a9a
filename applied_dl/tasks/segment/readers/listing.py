"""What a source lists: images with their masks, by path, as arrays or as shapes; nothing is decoded yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import Struct, field

from applied_dl.tasks.segment.readers.classes import ClassTable
from applied_dl.tasks.segment.readers.shapes import Drawn

NAMES = ("train", "validation", "test")


class Pair(Struct, frozen=True):
    """An image and its mask, each a path or an array; the mask may be shapes, or several files of an object each."""

    image: Path | np.ndarray
    mask: Path | np.ndarray | Drawn | tuple[Path, ...]


class Listing(Struct, frozen=True, kw_only=True):
    """The pairs of one part.

    Attributes:
        pairs: images with masks.
        without: images whose mask is missing.
        table: classes that the source lists, if it does.
        labels: the classes of masks that are shapes.
        folder: where patterns on paths begin.
        warnings: what the user should know.
    """

    pairs: list[Pair]
    without: list[Path] = field(default_factory=list)
    table: ClassTable | None = None
    labels: tuple[str, ...] = ()
    folder: Path = Path()
    warnings: list[str] = field(default_factory=list)
