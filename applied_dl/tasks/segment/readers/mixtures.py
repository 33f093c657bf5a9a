"""Values of masks that are no classes but the edges between two: what drawing programs and resizing leave where regions meet."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.tasks.segment.readers.classes import unpacked_color
from applied_dl.tasks.segment.readers.masks import raw_mask

SOLID = 0.05  # share of the pixels of a class, at least, whose neighbours are of the same value
APART = 32  # grey levels, or levels of a channel, between two classes of which there are mixtures; class numbers are closer
NEAR = 24  # levels of a channel by which a mixture may miss the line between two colours
STRAY = 0.001  # share of all pixels up to which a value beside mixtures is one of them, though it lies on no line
MOST_SOLID = 64  # values with regions of their own


def mixtures(masks: list, total: Counter, color: bool) -> set[int]:
    """Those of the values that have no region of their own and lie between two values that have one.

    Args:
        masks: paths or arrays.
        total: the pixels of each value.
        color: whether values are colours.
    """
    values = sorted(total)
    if len(values) < 3 or (not color and values[-1] - values[0] < APART):
        return set()
    inside = inner_pixels(masks, color)
    solid = [value for value in values if inside[value] >= SOLID * total[value] and inside[value]]
    rest = [value for value in values if value not in set(solid)]
    if not rest or not 2 <= len(solid) <= MOST_SOLID:
        return set()
    mixed = {value for value, gap in zip(rest, _gaps(rest, solid, color)) if gap <= NEAR}
    return mixed | {value for value in rest if total[value] <= STRAY * sum(total.values())} if mixed else set()


def inner_pixels(masks: list, color: bool) -> Counter:
    """The pixels of each value whose four neighbours have it too."""

    def counted(mask) -> Counter:
        try:
            raw = raw_mask(mask, color)
        except DataError:
            return Counter()
        inner = np.ones(raw.shape, bool)
        for axis in (0, 1):
            same = np.diff(raw, axis=axis) == 0
            first, last = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
            inner[first] &= same
            inner[last] &= same
        values, pixels = np.unique(raw[inner], return_counts=True)
        return Counter(dict(zip(values.tolist(), pixels.tolist())))

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(counted, masks), Counter())


def _gaps(values: list[int], solid: list[int], color: bool) -> np.ndarray:
    """(V,) how far each value lies from the nearest line between two solid values that are apart."""
    points, ends = (np.array([unpacked_color(v) for v in some] if color else [[v] for v in some], np.float64) for some in (values, solid))
    nearest = np.full(len(points), np.inf)
    for i, a in enumerate(ends):
        for b in ends[i + 1 :]:
            way = b - a
            if np.abs(way).max() < APART:
                continue
            share = np.clip((points - a) @ way / (way @ way), 0, 1)
            nearest = np.minimum(nearest, np.abs(points - (a + share[:, None] * way)).max(1))
    return nearest
