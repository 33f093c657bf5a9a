"""The series of a recipe: its source, or its explicit files joined in time; trimmed, and refused where too much is missing."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from applied_dl.core.cache import cache_folder
from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.plurals import numbered
from applied_dl.tasks.forecast.readers.large import large_panel, read_large
from applied_dl.tasks.forecast.readers.series import read_series
from applied_dl.tasks.forecast.series import Columns, SeriesSet, pick_columns

MOST_LEFT = 0.5  # of all series may be left out; a set of more is not what its reader thinks it is


class Cuts(NamedTuple):
    """Per series: the step where training ends and the step where validation ends."""

    train: list[int]
    validation: list[int]


def columns_of(d) -> Columns:
    """The recipe's reading of a file."""
    names = lambda given: (given,) if isinstance(given, str) else tuple(given or ())  # noqa: E731
    return Columns(
        layout=d.layout,
        time=d.time,
        series=d.series if isinstance(d.series, str | None) else None,
        series_parts=() if isinstance(d.series, str | None) else tuple(d.series),
        targets=names(d.target),
        past=names(d.past_covariates),
        future=names(d.future_covariates),
        static=names(d.static_covariates),
        frequency=d.frequency,
        duplicates=d.duplicates,
        irregular=d.irregular or ("auto" if d.frequency else "refuse"),
        separator=d.separator,
        header=d.header,
        decimal=d.decimal,
    )


def read(d, cache: Path | None = None) -> tuple[SeriesSet, Cuts | None]:
    """The series of the source, or those of the explicit files joined in time with the cuts between them.

    cache: a folder for the arrays of a panel larger than memory; by default that of the package.
    """
    if not d.train:
        if path := large_panel(d):
            return read_large(path, columns_of(d), cache or cache_folder()), None
        return read_series(d.source, columns_of(d)), None
    found = read_series(d.train, columns_of(d))
    ends = [[len(v) for v in found.values]]
    for path in (d.validation, d.test):
        if path is None:
            ends.append(None)
            continue
        following = read_series(path, replace(found.columns, separator=d.separator, header=d.header, decimal=d.decimal), found.clock)
        found = _joined(found, following, path)
        ends.append([len(v) for v in found.values])
    train, validation, test = ends
    if test is None:
        raise UsageError("data.train needs data.test beside it: the file of the steps that follow.")
    if validation is None:
        ahead = [t - e for t, e in zip(test, train)]  # as much of the training file's end as the test is long
        train, validation = [e - a for e, a in zip(train, ahead)], train
    return found, Cuts(train, validation)


def _joined(first: SeriesSet, following: SeriesSet, path) -> SeriesSet:
    place = {name: i for i, name in enumerate(following.names)}
    lacking = [name for name in first.names if name not in place]
    if lacking:
        raise DataError(
            f"{path} lacks the series {', '.join(map(repr, lacking[:5]))} of the training file; expected the steps that follow each."
        )
    values, past, future = [], [], []
    past_names = tuple(dict.fromkeys((*first.past_names, *following.past_names)))  # texts may occur in one file alone
    future_names = tuple(dict.fromkeys((*first.future_names, *following.future_names)))
    for i, (name, start, known) in enumerate(zip(first.names, first.starts, first.values)):
        j = place[name]
        numbered = first.columns.layout == "rows" or first.columns.time is None
        gap = 0 if numbered else following.starts[j] - start - len(known)
        if gap < 0:
            raise DataError(
                f"{path}, series {name!r}: it begins {-gap} steps before the training file ends; expected the steps that follow."
            )
        at = len(known) + gap
        values.append(_over(known, following.values[j], at))
        if first.past:
            rows = (pick_columns(one.past[k], one.past_names, past_names) for one, k in ((first, i), (following, j)))
            past.append(_over(*rows, at))
        if first.future:
            rows = (pick_columns(one.future[k], one.future_names, future_names) for one, k in ((first, i), (following, j)))
            future.append(_over(*rows, at))
    return replace(
        first, values=values, past=past, future=future, past_names=past_names, future_names=future_names,
        notes=[*first.notes, *following.notes],
    )  # fmt: skip


def _over(first: np.ndarray, following: np.ndarray, at: int) -> np.ndarray:
    """One after the other (T, …), the second from step `at` on; NaN where neither has a value."""
    rows = np.full((max(len(first), at + len(following)), *first.shape[1:]), np.nan)
    rows[: len(first)] = first
    rows[at : at + len(following)] = np.where(np.isnan(following), rows[at : at + len(following)], following)
    return rows


def _full_enough(data: SeriesSet, cuts: Cuts | None, d) -> tuple[SeriesSet, Cuts | None]:
    """Without the series of which too many values are missing, where others are left and the recipe names none of them; with a note."""
    if d.gaps == "refuse" or (d.target and data.columns.layout == "wide"):
        return data, cuts
    known = [~np.isnan(v[: d.rows]) for v in data.values]
    kept = [i for i, row in enumerate(known) if row.any() and 1 - row[int(row.argmax()) :].mean() <= d.max_missing]
    left = [name for i, name in enumerate(data.names) if i not in set(kept)]
    if not left or len(left) > MOST_LEFT * len(known):
        return data, cuts
    pick = lambda items: [items[i] for i in kept] if items else items  # noqa: E731
    note = (
        f"{numbered(len(left), 'series', 'series')} left out, of which more than {d.max_missing:.0%} of the values are missing: "
        f"{', '.join(map(repr, left[:5]))}{', …' if len(left) > 5 else ''}; data.max_missing is the limit"
    )
    data = replace(data, names=pick(data.names), values=pick(data.values), starts=pick(data.starts), past=pick(data.past),
                   future=pick(data.future), static=pick(data.static), notes=[*data.notes, note])  # fmt: skip
    return data, Cuts(*map(pick, cuts)) if cuts else None


def trim(data: SeriesSet, cuts, d) -> tuple[SeriesSet, Cuts | None]:
    """Series start at their first value and are no longer than `data.rows`; too many missing values are refused."""
    data, cuts = _full_enough(data, cuts, d)
    values, starts, past, future, cut = [], [], [], [], []
    for i, (name, v) in enumerate(zip(data.names, data.values)):
        known = ~np.isnan(v[: d.rows])
        if not known.any():
            raise DataError(f"Series {name!r}: every value is missing; expected numbers.")
        first = int(known.argmax())
        cut.append(first)
        share = 1 - known[first:].mean()
        if share > d.max_missing or (share > 0 and d.gaps == "refuse"):
            where = data.clock.text(np.array([data.starts[i] + first + int((~known[first:]).argmax())]))[0]
            limit = "data.gaps is 'refuse'" if d.gaps == "refuse" else f"data.max_missing is {d.max_missing:.0%}"
            raise DataError(
                f"Series {name!r}: {share:.0%} of its values are missing (the first at {where}) and {limit}; fill them or "
                "leave the series out."
            )
    common = data.aligned and max(cut) <= 0.3 * min(map(len, data.values))
    cut = [max(cut)] * len(cut) if common else cut
    for i, first in enumerate(cut):
        values.append(data.values[i][: d.rows][first:])
        starts.append(data.starts[i] + first)
        past += [data.past[i][first:]] if data.past else []
        future += [data.future[i][first:]] if data.future else []
    data = replace(data, values=values, starts=starts, past=past, future=future)
    if cuts:
        cuts = Cuts(*([end - first for end, first in zip(ends, cut)] for ends in cuts))
    return data, cuts
