"""How the columns of a user's data were understood, for `applied-dl inspect`: numbers and labels in one line each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

EXAMPLES = 5  # values of a column
SHOWN = 8  # labels in one line
FENCE = 3.0  # interquartile ranges beyond the quartiles after which a value is an outlier (Tukey's outer fence)


class ColumnReport(Struct, frozen=True, kw_only=True):
    """How one column (image set, series, text) of a user's data was understood, for `applied-dl inspect`.

    Args:
        name: of the column, or of what there is instead of columns.
        kind: what it is taken for, such as "number", "category", "target" or "dropped".
        read_as: how its cells are read, and their range or most frequent values.
        examples: some values.
        missing: share of the training rows without a value.
        outliers: training rows whose value lies far from the others.
        note: what is unusual, in words; for a dropped column the reason.
        key: the recipe key that changes how it is read.
    """

    name: str
    kind: str
    read_as: str = ""
    examples: tuple[str, ...] = ()
    missing: float = 0.0
    outliers: int = 0
    note: str = ""
    key: str = ""


def describe_numbers(name: str, values: np.ndarray, kind: str = "number", note: str = "", key: str = "", read_as: str = "") -> ColumnReport:
    """A column of numbers (N,), NaN where empty.

    Example:
        >>> describe_numbers("age", np.array([30.0, 41.0, np.nan, 28.0])).read_as
        'from 28 to 41, median 30'
    """
    values = np.asarray(values, np.float64).ravel()
    known = values[np.isfinite(values)]
    if not len(known):
        return ColumnReport(name=name, kind=kind, read_as=read_as, missing=1.0, note=note or "no value in the training rows", key=key)
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    width = FENCE * (high - low)
    outliers = int(((known < low - width) | (known > high + width)).sum()) if width > 0 else 0
    span = f"from {known.min():.5g} to {known.max():.5g}, median {middle:.5g}"
    some = list(dict.fromkeys(f"{value:.5g}" for value in known[: 20 * EXAMPLES]))[:EXAMPLES]
    return ColumnReport(
        name=name,
        kind=kind,
        read_as=f"{read_as}; {span}" if read_as else span,
        examples=tuple(some),
        missing=1 - len(known) / len(values),
        outliers=outliers,
        note=note,
        key=key,
    )


def describe_labels(
    name: str,
    codes: np.ndarray,
    labels: Sequence[str],
    kind: str = "category",
    first: int = 0,
    absent: int = -1,
    note: str = "",
    key: str = "",
) -> ColumnReport:
    """A column of codes (N,) of `labels`, the most frequent first.

    Args:
        name: of the column.
        codes: `first` stands for the first label.
        labels: by code.
        kind: "category" or "target".
        first: the code of the first label.
        absent: the code of an empty cell.
        note: what is unusual.
        key: the recipe key that changes how it is read.
    """
    codes = np.asarray(codes)
    counts = np.bincount(codes[codes >= first] - first, minlength=len(labels))[: len(labels)]
    order = np.argsort(-counts, kind="stable")
    parts = [f"{labels[i]} {counts[i] / max(len(codes), 1):.1%}" for i in order[:SHOWN]]
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return ColumnReport(
        name=name,
        kind=kind,
        read_as=f"{len(labels)} {'classes' if kind == 'target' else 'levels'}: {', '.join(parts)}{more}",
        examples=tuple(str(labels[i]) for i in order[:EXAMPLES]),
        missing=float(np.mean(codes == absent)) if len(codes) else 0.0,
        note=note,
        key=key,
    )
