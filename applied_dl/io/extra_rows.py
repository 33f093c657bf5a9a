"""Rows of a table that are no examples: a last row of totals and a first row of units."""

from __future__ import annotations

import re

import polars as pl

from applied_dl.io.tables import Table

LEAST_ROWS = 10  # of a table in which such rows are looked for
TOTALS = ("total", "totals", "grand total", "sum", "summe", "gesamt", "gesamtsumme", "insgesamt", "totale", "totaal", "suma", "somme")
UNIT = re.compile(r"[\[(][^\[\]()]{0,12}[\])]$")


def extra_rows(table: Table) -> dict[int, str]:
    """The rows that are no examples, each with a note for the user.

    The last row of a file is one of totals where a cell is such a word, which the column has only there, and another cell is empty. The
    first row of a file is one of units where all its cells are in brackets (`[kg]`, `(m)`).

    Example:
        >>> extra_rows(read_table("sales.csv"))
        {120: "IMPORTANT: the last row (sales.csv, row 122) is a row of totals ('Total') and is left out"}
    """
    found = {}
    for rows in table.files():
        if len(rows) <= LEAST_ROWS and not any(table.cut):
            continue
        first, last = int(rows[0]), int(rows[-1])
        if not table.cut[0] and (units := _units(table.frame.row(first))):
            found[first] = f"the first row ({table.where(first)}) holds the units of the columns ({', '.join(units[:5])}) and is left out"
        if not table.cut[1] and (word := _total(table.frame[rows])):
            found[last] = f"IMPORTANT: the last row ({table.where(last)}) is a row of totals ({word!r}) and is left out"
    return found


def _units(row: tuple[object, ...]) -> list[str]:
    """The cells of a row of units, empty for any other row."""
    cells = [cell.strip() if isinstance(cell, str) else "" for cell in row if cell is not None]
    return cells if len(cells) > 1 and all(map(UNIT.match, cells)) else []


def _total(frame: pl.DataFrame) -> str:
    """The word that marks the last row as one of totals, empty for any other row."""
    cells = frame.row(-1)
    if None not in cells:
        return ""
    for column, word in zip(frame.get_columns(), cells):
        if isinstance(word, str) and word.strip().rstrip(":").lower() in TOTALS and (column == word).sum() == 1:
            return word
    return ""
