"""Split rows into train, validation and test: seeded, stratified, with groups and duplicates kept in one part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.plurals import numbered


class Split(NamedTuple):
    """Row numbers (int64, ascending) of each part; `moved` counts rows with the content of an earlier row."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    moved: int = 0


def split_rows(
    n: int,
    shares: Sequence[float],
    seed: int,
    *,
    strata: np.ndarray | None = None,
    groups: ArrayLike | None = None,
    order: ArrayLike | None = None,
    keys: ArrayLike | None = None,
) -> Split:
    """Split `n` rows by `shares`.

    Args:
        shares: of train, validation and test; they sum to 1.
        strata: (N,) class codes; every part gets the same share of each class.
        groups: (N,) ids; the rows of a group stay in one part.
        order: (N,) values; the smallest are for training, the largest for testing (no shuffling).
        keys: (N,) content hashes; rows with equal keys stay in one part.

    Returns:
        The row numbers of each part.

    Raises:
        UsageError: `shares` are not three shares that sum to 1.
        DataError: a part with a share would be empty.

    Example:
        >>> [len(part) for part in split_rows(10, (0.6, 0.2, 0.2), seed=0)[:3]]
        [6, 2, 2]
    """
    share = np.asarray(shares, np.float64)
    if share.shape != (3,) or (share < 0).any() or not np.isclose(share.sum(), 1) or share[0] <= 0:
        raise UsageError(f"data.split must be three shares of train, validation and test that sum to 1, received {share.tolist()}.")
    if order is not None:
        ranked = np.argsort(np.asarray(order), kind="stable")
        cuts = np.round(np.cumsum(share)[:2] * n).astype(int)
        train, validation, test = (np.sort(part) for part in np.split(ranked, cuts))
        return _checked(Split(train, validation, test), share, n, n)
    unit = units_of(n, groups, keys)
    moved = n - len(np.unique(unit)) if groups is None else 0
    first = np.full(unit.max() + 1, n) if n else np.zeros(0, int)
    np.minimum.at(first, unit, np.arange(n))
    label = np.zeros(len(first), int) if strata is None else np.asarray(strata)[first]
    size, random = np.bincount(unit), np.random.default_rng(seed)
    part = _deal(label, size, share, random)
    if _empty(part, share):  # classes of a few rows, or few groups: not every part can have the same share of each class
        part = _fill(_deal(np.zeros(len(first), int), size, share, np.random.default_rng(seed)), size, share)
    train, validation, test = (np.flatnonzero(part[unit] == i) for i in range(3))
    return _checked(Split(train, validation, test, moved), share, n, len(first))


def split_parts(
    part: ArrayLike,
    shares: Sequence[float],
    seed: int,
    *,
    strata: np.ndarray | None = None,
    groups: ArrayLike | None = None,
    order: ArrayLike | None = None,
    keys: ArrayLike | None = None,
) -> dict[str, np.ndarray]:
    """Split rows of which some parts are given; what is missing is cut from the training part.

    Args:
        part: (N,) the part of each row in the source: "train", "validation" or "test", or "all" for every row.
        shares, seed, strata, groups, order, keys: as in `split_rows`.

    Returns:
        Row numbers (int64, ascending) by part. A part that is not given and has no share is empty.

    Raises:
        UsageError: `shares` are not three shares that sum to 1.
        DataError: a part with a share would be empty.

    Example:
        >>> {name: len(rows) for name, rows in split_parts(["train"] * 8 + ["test"] * 4, (0.6, 0.2, 0.2), seed=0).items()}
        {'train': 6, 'validation': 2, 'test': 4}
    """
    named, names = np.asarray(part), ("train", "validation", "test")
    given = {name: np.flatnonzero(named == name) for name in names}
    if "all" in named:
        return dict(zip(names, split_rows(len(named), shares, seed, strata=strata, groups=groups, order=order, keys=keys)[:3]))
    cut = np.array([float(name == "train" or not len(given[name])) for name in names]) * np.asarray(shares, np.float64)
    if cut[1:].sum() == 0:
        return given
    own = given["train"]

    def some(values: ArrayLike | None) -> np.ndarray | None:
        return None if values is None else np.asarray(values)[own]

    rows = split_rows(len(own), list(cut / cut.sum()), seed, strata=some(strata), groups=some(groups), order=some(order), keys=some(keys))
    return {name: own[at] if name == "train" or not len(given[name]) else given[name] for name, at in zip(names, rows[:3])}


def fold_rows(n: int, folds: int, seed: int, *, strata: np.ndarray | None = None, groups: ArrayLike | None = None) -> np.ndarray:
    """The fold (N,) of each row for cross-validation: folds of nearly equal size, the rows of a group in one of them.

    Args:
        strata: (N,) class codes; every fold gets nearly the same share of each class.
        groups: (N,) ids; the rows of a group stay in one fold.

    Example:
        >>> sorted(fold_rows(10, 5, seed=0).tolist())
        [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    """
    _, first, unit = np.unique(np.arange(n) if groups is None else np.asarray(groups), return_index=True, return_inverse=True)
    label, random = np.zeros(len(first), int) if strata is None else np.asarray(strata)[first], np.random.default_rng(seed)
    fold, filled, size = np.zeros(len(first), int), np.zeros(folds), np.bincount(unit)
    for value in np.unique(label):
        own = np.zeros(folds)
        for one in random.permutation(np.flatnonzero(label == value)):
            fold[one] = np.lexsort((filled, own))[0]
            own[fold[one]] += size[one]
            filled[fold[one]] += size[one]
    return fold[unit]


def units_of(n: int, groups: ArrayLike | None, keys: ArrayLike | None) -> np.ndarray:
    """The unit (N,) of each row: rows linked by a group, by equal content, or by a chain of both share one."""
    unit = np.arange(n)
    for labels in (groups, keys):
        if labels is None:
            continue
        codes = np.unique(np.asarray(labels), return_inverse=True)[1]
        while True:  # spread the smallest unit over equal labels, then over the units so joined, until nothing changes
            smallest = np.full(codes.max() + 1, n)
            np.minimum.at(smallest, codes, unit)
            joined = np.arange(n)
            np.minimum.at(joined, unit, smallest[codes])
            spread = joined[unit]
            if np.array_equal(spread, unit):
                break
            unit = spread
    return np.unique(unit, return_inverse=True)[1]


def _deal(label: np.ndarray, size: np.ndarray, shares: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The part of each unit: within a stratum, shuffled units go to the part that is furthest below its share of the rows."""
    part = np.zeros(len(label), int)
    for value in np.unique(label):
        units = random.permutation(np.flatnonzero(label == value))
        filled, total = np.zeros(3), size[units].sum()
        for unit in units:
            part[unit] = np.argmax(shares * total - filled)
            filled[part[unit]] += size[unit]
    return part


def _empty(part: np.ndarray, shares: np.ndarray) -> list[int]:
    """The parts that have a share and no unit."""
    return [i for i in range(3) if shares[i] > 0 and not (part == i).any()]


def _fill(part: np.ndarray, size: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Give each empty part the smallest unit of the part with most units, if there are enough units."""
    for empty in _empty(part, shares):
        units = np.bincount(part, minlength=3)
        if units.max() > 1:
            largest = np.flatnonzero(part == units.argmax())
            part[largest[np.argmin(size[largest])]] = empty
    return part


def _checked(split: Split, shares: np.ndarray, n: int, units: int) -> Split:
    for name, rows, share in zip(("train", "validation", "test"), split[:3], shares):
        if share > 0 and len(rows) == 0:
            few = f" ({units} units, since equal rows and groups stay together)" if units < n else ""
            of = numbered(n, "row", "rows") + few
            raise DataError(f"The {name} part of {of} is empty at data.split {shares.tolist()}; give more rows or other shares.")
    return split
