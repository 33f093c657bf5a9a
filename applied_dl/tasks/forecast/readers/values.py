"""The columns of a table of series as numbers: targets, past and future covariates side by side."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast.readers.empty import without_sentinels
from applied_dl.tasks.forecast.readers.tables import numbers, text_style
from applied_dl.tasks.forecast.series import ANY, Columns

MOST_TEXTS = 64  # of a covariate that are columns of their own; rarer ones count as "any text"


def text_covariates(table, columns: Columns) -> tuple[str, ...]:
    """The covariates that hold texts."""
    import polars as pl

    return tuple(
        name
        for name in (*columns.past, *columns.future)
        if table[name].dtype == pl.String and text_style(table[name], columns.style)[1] < 0.5
    )


def _covariates(table, names, columns: Columns, where: str) -> tuple[np.ndarray, tuple[tuple[str, str], ...]]:
    """Covariates as numbers (T, C), and what each is: (column, "") of numbers; of texts one of 0 and 1 for each text and one for any."""
    from applied_dl.io.cells import as_levels

    rows, found = [], []
    for name in names:
        if table[name].null_count() == table.height:
            key = "past_covariates" if name in columns.past else "future_covariates"
            raise DataError(f"{where}: the column {name!r} of data.{key} holds no value; leave it out.")
        if name not in columns.categories:
            rows.append(numbers(table, name, where, columns.style))
            found.append((name, ""))
            continue
        texts = as_levels(table[name]).str.strip_chars()
        texts = texts.replace("", None)
        common = texts.drop_nulls().value_counts(sort=True).sort(["count", name], descending=[True, False]).head(MOST_TEXTS)
        rows.append(texts.is_not_null().to_numpy().astype(np.float64))
        found.append((name, ANY))
        for text in common[name].to_list():
            rows.append((texts == text).fill_null(False).to_numpy().astype(np.float64))
            found.append((name, text))
    return np.stack(rows, axis=1) if rows else np.empty((table.height, 0)), tuple(found)


def values_of(table, columns: Columns, where: str):
    """Targets, past and future covariates side by side (T, C), where the past ones and the future ones begin, and their names."""
    targets = without_sentinels(np.stack([numbers(table, name, where, columns.style) for name in columns.targets], axis=1), columns)
    past, past_names = _covariates(table, columns.past, columns, where)
    past = without_sentinels(past, columns)
    future, future_names = _covariates(table, columns.future, columns, where)
    at = targets.shape[1]
    return np.concatenate([targets, past, future], axis=1), (at, at + past.shape[1]), past_names, future_names
