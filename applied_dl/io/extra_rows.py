"""Rows of a table that are no examples: more lines of the header, rows of totals, notes below the table."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from applied_dl.io.cells import ALMOST, is_mark, number_style
from applied_dl.io.quantities import split_quantity
from applied_dl.io.tables import Table
from applied_dl.io.totals import total_rows

LEAST_ROWS = 10  # of a table in which such rows are looked for
UNIT = re.compile(r"[\[(][^\[\]()]{0,12}[\])]$")
SIGNS = re.compile(r":?[-=_]{2,}:?$|[%‰°$€£¥]$")  # a line drawn below a name, and units without a letter
WORDED = re.compile(rf"[^\W\d]|^(?:{SIGNS.pattern})")
MOST_HEADERS, HEAD = 3, 200  # lines of a header below the first, and the rows that show which columns hold numbers
SIGN = r"[^\w\s.,'-]"  # of a note: * and the colon of Source: WHO
SHOWN = 3  # notes on rows of totals


def extra_rows(table: Table) -> dict[int, str]:
    """The rows that are no examples, each with a note for the user.

    - First rows that hold texts in the columns of numbers, of which there are two at least: units, or the questions of a survey; or a first
      row of cells in brackets (`[kg]`, `(m)`), where those below have none; and rows that repeat the names of the columns.
    - Last rows of one cell, a text of several words or with a sign such as `*` that is no name as those above, where all others have more.
    - Rows of totals (see `total_rows`).

    Example:
        >>> extra_rows(read_table("sales.csv"))
        {120: "IMPORTANT: the last row (sales.csv, row 122) is a row of totals ('Total') and is left out"}
    """
    found = {}
    for rows in table.files():
        if len(rows) <= LEAST_ROWS and not any(table.cut):
            continue
        frame = table.frame if len(rows) == len(table) else table.frame[rows]
        what = ({} if table.cut[0] else _headers(frame)) | _repeated(frame) | ({} if table.cut[1] else _notes(frame))
        kept = np.setdiff1d(np.arange(len(rows)), list(what)) if what else np.arange(len(rows))
        totals = total_rows(frame[kept] if what else frame, table.decimal, table.cut)
        for at, word in totals.items():
            name = "the last row" if at == len(kept) - 1 else "a row"
            what[int(kept[at])] = f"IMPORTANT: {name} (@) is a row of totals{f' ({word!r})' if word else ''} and is left out"
        found |= {int(rows[at]): note.replace("@", table.where(int(rows[at])), 1) for at, note in sorted(what.items())}
    return found


def notes_of(extra: dict[int, str]) -> list[str]:
    """The notes on rows that are left out; of many, the first ones and how many more there are."""
    notes = list(extra.values())
    more = f"{len(notes) - SHOWN} more rows of totals or repeated names are left out" if len(notes) > 2 * SHOWN else ""
    return [*notes[:SHOWN], more] if more else notes


def _headers(frame: pl.DataFrame) -> dict[int, str]:
    """The first rows that continue the header."""
    units = [cell.strip() if isinstance(cell, str) else "" for cell in frame.row(0) if cell is not None]
    if len(units) > 1 and all(map(UNIT.match, units)) and not _have_brackets(frame[1 : 1 + HEAD]):
        return {0: f"the first row (@) holds the units of the columns ({', '.join(units[:5])}) and is left out"}
    found = {}
    below = frame[MOST_HEADERS : MOST_HEADERS + HEAD]
    worded = [name for name, cell in zip(frame.columns, frame.row(0)) if isinstance(cell, str) and WORDED.search(cell)]
    if sum(_are_numbers(below[name]) for name in worded) < 2:  # the usual table, of which no more columns are read
        return {}
    numbers = [name for name in frame.columns if _are_numbers(below[name])]
    for row in range(MOST_HEADERS):
        texts = [cell for cell in frame[row].select(numbers).row(0) if cell is not None]
        if len(texts) < 2 or 2 * len(texts) < len(numbers) or not all(map(_is_name, texts)):
            break
        shown = ", ".join(text[:30] for text in texts[:5])
        found[row] = f"row {row + 1} (@) holds texts in the columns of numbers ({shown}), as a header does, and is left out"
    return found


def _have_brackets(frame: pl.DataFrame) -> bool:
    return any(isinstance(cell, str) and UNIT.match(cell) for row in frame.iter_rows() for cell in row)


def _are_numbers(cells: pl.Series) -> bool:
    filled = cells.drop_nulls()
    filled = filled.filter(~is_mark(filled))
    return filled.dtype == pl.String and len(filled) > 0 and number_style(filled)[1] >= ALMOST


def _is_name(text: str) -> bool:
    """Whether a cell of a column of numbers is a unit, a name or a line drawn below one: no number, no mark that means missing."""
    if not WORDED.search(text):
        return False
    return bool(SIGNS.match(text)) or (split_quantity(text) is None and not is_mark(pl.Series([text]))[0])


def _repeated(frame: pl.DataFrame) -> dict[int, str]:
    """Rows that hold the names of the columns again, as in files that were joined."""
    if frame.width < 2 or frame.dtypes[0] != pl.String or not (frame.to_series(0) == frame.columns[0]).any():
        return {}
    texts = [pl.col(name) == name for name, kind in frame.schema.items() if kind == pl.String]
    same = frame.select(pl.all_horizontal(texts)).to_series().fill_null(False).to_numpy()
    return {int(at): "a row (@) repeats the names of the columns and is left out" for at in np.flatnonzero(same)} if len(texts) > 1 else {}


def _notes(frame: pl.DataFrame) -> dict[int, str]:
    """Last rows of one filled cell in the first column, where all rows above have more: several words or a text with a sign such as `*`,
    longer than the cells above, or with a sign that none of them has."""
    if frame.width < 3 or frame.dtypes[0] != pl.String or None not in frame.row(-1):
        return {}
    filled = frame.select(pl.sum_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    texts, first = frame.to_series(0), len(frame)
    while first > LEAST_ROWS and filled[first - 1] == 1 and re.search(r"\w\W+\w|^[^\w+\-.,]", texts[first - 1] or ""):
        first -= 1
    above = texts[:first].drop_nulls()
    if filled[:first].min() < 2 or not above.len():
        return {}
    longest, signs = above.str.len_chars().max(), set("".join(above.str.extract_all(SIGN).list.join("").to_list()))
    if not any(len(text) > longest or set(re.findall(SIGN, text)) - signs for text in texts[first:]):
        return {}
    return {at: f"a row (@) holds nothing but {texts[at][:60]!r} and is left out" for at in range(first, len(frame))}
