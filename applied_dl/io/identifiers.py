"""Columns that name a row instead of describing it: saved row numbers and identifiers; and rows that are copies of others."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from applied_dl.io.cells import as_numbers
from applied_dl.io.tables import Table

NUMBERED = "client|pedido|factur|fattur|fatura|s[ée]rie|dossier|orden|ordem|ordine|commande|pa[cz]ient|contra[ct]|cuenta|compte|socio"
IDENTIFIER = re.compile(
    r"(^|[ _.-])(id|ids|uuid|guid|key|index|idx|rownum|rownames?|row|unnamed.*)$"
    r"|^(id|no|nr|nº|#|order|pid|obs|unnamed.*|row[ _.]?(no|nr|number)?)$"
    r"|^(record|case|sample|serial|row|passenger|customer|patient|user|house|loan|order)[ _]?(id|no|nr|number)$"
    r"|(nummer|nr\.?)$|^(n[úu]mero|num[ée]ro|matricule|matr[íi]cula)$|^id[ _.-]"
    rf"|^(n[úu]mero|num[ée]ro)[ _.-]+(d[eio][ _.-]+|d')?({NUMBERED})\w*$",  # número de cliente, not número de habitantes
    re.IGNORECASE,
)
CODE = re.compile(r"[^\W\d_]\D{0,19}\d+([-/_]\d+)*$|#\D{0,19}\d+$")  # a number after a word or two, or several: S0001, RE-2024-0001
CAMEL = re.compile(r"[a-z0-9]I[dD]$")
NAMELESS = re.compile(r"column_\d+$")
TIMELY = re.compile(
    r"date|time|day|month|year|period|stamp|yyyy|^ds$|^t$|datum|monat|jahr|age|week|hour|trial|step|distance", re.IGNORECASE
)
LEAST_ROWS = 20
LEAST_NAMED = 5  # rows of a column that is named like an identifier
CHANCE = 0.5  # expected number of equal rows above which a repetition is no copy
FIRST_SEEN = 0.1  # count of a value that no other row has
MOST_COPIES = 20  # equal rows, above which they are repetitions, not copies


def row_numbers(table: Table) -> dict[str, str]:
    """Columns whose values number the rows, with the reason to drop them.

    A column that counts the rows of each file in order is one, whatever its name, unless it is named like a time; whole numbers that are
    all different are one where the column is named like an identifier. The table may hold some of the rows only.
    """
    found, at = {}, table.row_places()[:, 1]
    headed = not all(NAMELESS.match(name) for name in table.columns)
    for name in table.columns:
        cells = table.frame[name]
        values = _whole_numbers(cells)
        named = is_identifier_name(name) or (headed and bool(NAMELESS.match(name)))
        if values is None or len(values) < (LEAST_NAMED if named else LEAST_ROWS):
            continue
        counted = all(bool((np.diff(values[rows]) == np.diff(at[rows])).all()) for rows in table.files())
        if counted and (named or not TIMELY.search(name)):
            found[name] = "it counts the rows"
        elif named and len(np.unique(values)) == len(values):
            found[name] = "an identifier: every value once"
    return found


def is_identifier_name(name: str) -> bool:
    """Whether a column is named like an identifier: `id`, `customer_id`, `Unnamed: 0`, `rownames`, `PassengerId`."""
    return bool(IDENTIFIER.search(name)) if not CAMEL.search(name) else True


def _whole_numbers(cells: pl.Series) -> np.ndarray | None:
    if cells.null_count() or not (cells.dtype == pl.String or cells.dtype.is_numeric()):
        return None
    if cells.dtype == pl.String:
        if len(cells) and CODE.match(cells[0]) and cells.str.replace_all(r"\d+", "0").n_unique() == 1:
            cells = cells.str.replace_all(r"\D", "")
        if not cells.head(LEAST_ROWS).str.contains(r"^\d+(\.0*)?$").all():
            return None
    values, wrong = as_numbers(cells)
    return None if len(wrong) or not np.array_equal(values, np.round(values)) else values


def copy_keys(frame: pl.DataFrame) -> tuple[np.ndarray, int, int]:
    """A key (N,) per row that only copies share, how many rows are copies of an earlier one, and how many repeat one by chance.

    Equal rows of few columns with few values are natural: a survey of three yes/no questions has only eight answers. Rows are copies where
    so many equal cells are improbable: the expected number of further equal rows, from the shares of the cells among the other rows, is
    below `CHANCE`.
    """
    keys = frame.hash_rows(seed=0).to_numpy()
    _, unit, size = np.unique(keys, return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(size[unit] > 1)
    if not len(repeated):
        return keys, 0, 0
    log_share = _log_share(frame, repeated, size[unit[repeated]])
    natural = (np.log(len(frame)) + log_share > np.log(CHANCE)) | (size[unit[repeated]] > MOST_COPIES)
    chosen = unit.astype(np.int64)
    chosen[repeated[natural]] = len(size) + np.arange(int(natural.sum()))
    copies = repeated[~natural]
    return chosen, len(copies) - len(np.unique(unit[copies])), int(natural.sum())


def repeats_by_chance(frame: pl.DataFrame, rows: np.ndarray, total: int) -> np.ndarray:
    """Whether each of these rows of a sample is expected to have equals by chance among the `total` rows of the whole table."""
    log_share = _log_share(frame, rows, np.ones(len(rows)))
    return np.log(total) + log_share > np.log(CHANCE)


def _log_share(frame: pl.DataFrame, rows: np.ndarray, equal: np.ndarray) -> np.ndarray:
    """(len(rows),) logarithm of the share of rows that would equal each by chance, from the shares of its cells among the rows other than
    the `equal` ones."""
    found = np.zeros(len(rows))
    for cells in frame:
        counts = cells.to_frame("c").join(
            cells.to_frame("c").group_by("c").len(), on="c", how="left", nulls_equal=True, maintain_order="left"
        )
        found += np.log((counts["len"].to_numpy()[rows] - equal + FIRST_SEEN) / len(frame))
    return found
