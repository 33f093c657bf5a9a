"""Level breaks: what came before an abrupt, lasting change of level is raised to the new level, so that no forecaster must forget it."""

from __future__ import annotations

import numpy as np
from keras import ops

from applied_dl.tasks.forecast.models.safe import nonzero

LONGEST = 12  # seasons of more steps, as hours in a day, sit within weeks whose weekends are no breaks
PASSES = 2  # breaks of a window: level that left and came back has two
FEWEST = 6  # steps on either side of a break, in whole seasons
NEWEST = 2  # times fewer steps are enough after a break at the end of the window
CLEARLY = 5.0  # times the usual change from season to season that a break must exceed
FLAT = 1e-4  # of the level, below which a swing is rounding and says nothing about how it changed
WHOLE, BEFORE = 0.5, 0.25  # shares of the break: each step after it has more of it, those beside have less


def without_break(x, season: int):
    """Windows (N, L) whose largest level breaks are undone.

    A break is a change from season to season that all steps of one season share and none beside them, far beyond what is usual in the
    window; at its end, that the last few steps share. Trends, ramps, random walks, bursts and single outliers are no breaks.

    Args:
        x: (N, L) windows, oldest step first.
        season: Steps of the season; 1 for none.

    Returns:
        (N, L): steps before the break moved by it; positive values whose swing changed with their level are stretched as much, at most as
        their level was. A window without a break as it is.

    Example:
        >>> without_break(np.r_[np.tile([1.0, 2.0], 9), np.tile([11.0, 12.0], 9)][None], 2)[0, :2]     # [11., 12.]
    """
    width, length = season * -(-FEWEST // season), x.shape[1]
    if season > LONGEST or length < 4 * width:
        return x
    for _ in range(PASSES):
        x = _without_largest(x, width)
    return x


def _without_largest(x, width: int):
    """Without the largest break that all of `width` steps after it share, or all steps to the window's end where these are half as many."""
    length = x.shape[1]
    change = x[:, width:] - x[:, :-width]  # (N, n)
    count = change.shape[1]
    places = np.arange(1, count - width // NEWEST + 1)  # of breaks: a step before them, and enough after them
    steps = places[:, None] + np.arange(width + 1)  # (P, width + 1): a season, and the step after it
    known = ops.convert_to_tensor((steps < count).astype(np.float32))
    shared = ops.take(change, np.minimum(steps, count - 1), axis=1) * known  # (N, P, width + 1), 0 beyond the window
    after, known = shared[:, :, :width], known[:, :width]
    many = ops.sum(known, axis=1)  # (P,)
    size = ops.sum(after, axis=2) / many  # (N, P)
    least = after * ops.sign(ops.expand_dims(size, -1)) + (1.0 - known) * ops.abs(ops.expand_dims(size, -1))
    whole = ops.min(least, axis=2)
    beside = ops.maximum(ops.abs(change[:, : len(places)]), ops.abs(shared[:, :, width]))
    usual = (ops.sum(ops.abs(change), axis=1, keepdims=True) - ops.sum(ops.abs(after), axis=2)) / (count - many)
    jump = ops.abs(size)
    lasting = ops.logical_and(whole > WHOLE * jump, beside < BEFORE * jump)
    found = ops.logical_and(jump > CLEARLY * usual, lasting)
    score = jump * ops.cast(found, "float32")
    largest = ops.cast(score >= ops.max(score, axis=1, keepdims=True), "float32") * ops.cast(found, "float32")  # (N, P), mostly one
    first = ops.convert_to_tensor((places + width).astype(np.float32))  # the first step after each
    begin = ops.max(largest * first, axis=1, keepdims=True)  # (N, 1), of equal ones the newest
    step = ops.sum(largest * ops.cast(ops.equal(first, begin), "float32") * size, axis=1, keepdims=True)
    place = ops.convert_to_tensor(np.arange(length, dtype=np.float32))
    older = ops.cast(place < begin, "float32")
    before, behind = older * ops.cast(place >= begin - 2 * width, "float32"), (1.0 - older) * ops.cast(place < begin + 2 * width, "float32")
    (low, swing), (_, swing_after) = _level_and_swing(x, before), _level_and_swing(x, behind)
    ratio = ops.where(ops.min(x, axis=1, keepdims=True) > 0.0, ops.maximum(low + step, 0.0) / nonzero(low), ops.ones_like(low))
    stretch = ops.where(swing > FLAT * ops.abs(low), swing_after / nonzero(swing), ops.ones_like(swing))
    stretch = ops.where(begin <= length - width, stretch, ops.ones_like(swing))  # less than a season does not show its swing
    growth = ops.minimum(ops.maximum(stretch, ops.minimum(ratio, 1.0)), ops.maximum(ratio, 1.0))
    return x + older * (step + (growth - 1.0) * (x - low))


def _level_and_swing(x, mask):
    """Mean and mean absolute deviation (N, 1) of the steps of a mask (N, L)."""
    count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
    level = ops.sum(mask * x, axis=1, keepdims=True) / count
    return level, ops.sum(mask * ops.abs(x - level), axis=1, keepdims=True) / count
