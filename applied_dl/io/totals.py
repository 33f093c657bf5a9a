"""Rows that sum up other rows of a table: totals, subtotals of groups, means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl

from applied_dl.io.cells import as_numbers
from applied_dl.io.numbers import learn_format, read_numbers

TOTALS = (
    "total", "totals", "grand total", "subtotal", "sub-total", "sub total", "sum", "all", "summe", "gesamt", "gesamtsumme", "insgesamt",
    "zwischensumme", "ergebnis", "gesamtergebnis", "total général", "total general", "total geral", "sous-total", "totale",
    "totale complessivo", "totaal", "eindtotaal", "suma", "suma końcowa", "razem", "somme", "celkem", "totalt", "i alt", "összesen",
    "итого", "всего", "合計", "总计", "合计",
)  # fmt: skip
MEANS = ("mean", "average", "avg", "mittelwert", "durchschnitt", "moyenne", "promedio", "gemiddelde")
ORDINARY = {"sum", "all", "ergebnis", *MEANS}  # words that are names and levels too
WORD = "|".join((*TOTALS, *MEANS))
OF_MEANS = re.compile(rf"(?i)\b(?:{'|'.join(MEANS)})\b")
OF_GROUP = re.compile(rf"(?P<before>.+?)[\s:\-–(]+(?:{WORD})\)?|(?:{WORD})[\s:\-–(]+(?P<after>.+)", re.IGNORECASE)
LIKELY = rf"(?i)^(?:{WORD})(?:\W|$)|\W(?:{WORD})\W*$"
LONGEST, MOST_ROWS = 60, 2000  # characters of such a text, and rows with one
MOST = 100  # rows with one such text; a level of a category has more
SURE = 0.8  # share of the rows with a text that sum up others, where they are totals
WORK = 10**7  # candidates times rows that are summed at most
CLOSE = 1e-3  # relative difference of a sum that was rounded, and of a mean in standard deviations
COMMON = 0.1  # share of the rows from which a number that they have is no evidence


class Candidate(NamedTuple):
    """A row that may be one of totals: its text, the column of that, and what stands beside the word: a cell whose rows it may sum."""

    text: str = ""
    column: str = ""
    level: str | None = None


def total_rows(frame: pl.DataFrame, decimal: str | None, cut: tuple[bool, bool] = (False, False)) -> dict[int, str]:
    """The rows of totals, each with its text (empty where it has none).

    A row with a text such as `Total` or `North Total` is one where at least half of its numbers are sums (of one such as `Mean`, most are
    means) of the rows above, of those since the last such row, or of those with `North` in that column; the last row also where it has
    empty cells and begins with the only `Total` of its column, or holds nothing but sums of all rows, each larger than any number above.

    Args:
        frame: the rows of one file.
        decimal: the decimal mark of the file.
        cut: whether rows of the file precede these, and whether rows follow them: then nothing can be summed.
    """
    last = len(frame) - 1
    if last < 1:
        return {}
    sparse = not cut[1] and None in frame.row(last)
    likely = _candidates(frame)
    found = {last: likely[last].text} if sparse and last in likely and _once(frame, likely[last]) else {}
    if sparse and last not in likely and not any(isinstance(cell, str) and cell[:1].isalpha() for cell in frame.row(last)):
        likely[last] = Candidate()
    if any(cut) or not likely or len(likely) * len(frame) > WORK:
        return found
    values = _numbers(frame, decimal)
    for _ in range(2):  # once more without the levels of categories, whose rows are summed themselves
        details = np.ones(len(frame), bool)
        details[list(likely)] = False
        sums = {at: _sums(values, frame, details, at, one, likely) for at, one in likely.items()}
        shares = {text: np.mean([sums[at] for at, one in likely.items() if one.text == text]) for text in {c.text for c in likely.values()}}
        likely = {at: one for at, one in likely.items() if shares[one.text] >= SURE}
    return found | {at: one.text for at, one in sorted(likely.items())}


def _candidates(frame: pl.DataFrame) -> dict[int, Candidate]:
    found: dict[int, Candidate] = {}
    likely = frame.select(pl.col(pl.String).str.contains(LIKELY).any())
    for cells in frame.select(name for name in likely.columns if likely[name][0]):
        rows = np.flatnonzero((cells.str.contains(LIKELY) & (cells.str.len_chars() <= LONGEST)).fill_null(False).to_numpy())
        texts = cells[rows].to_list() if len(rows) <= MOST_ROWS else []
        counts = Counter(texts)
        for at, text in zip(rows.tolist(), texts):
            plain = text.strip().rstrip(":")
            exact, group = plain.lower() in (*TOTALS, *MEANS), OF_GROUP.fullmatch(plain)
            level = (group["before"] or group["after"]) if group and not exact else None
            if counts[text] <= MOST and (exact or level):
                found.setdefault(at, Candidate(text, cells.name, level))
    return found


def _once(frame: pl.DataFrame, one: Candidate) -> bool:
    """Whether the last row begins with the only such word of its column, which is hardly a name."""
    first = next(name for name, cell in zip(frame.columns, frame.row(-1)) if cell is not None)
    sure = one.level is None and one.text.strip().rstrip(":").lower() not in ORDINARY
    return sure and one.column == first and (frame[one.column] == one.text).sum() == 1


def _numbers(frame: pl.DataFrame, decimal: str | None) -> dict[str, np.ndarray]:
    """The columns of numbers as float64 (N,), NaN where a cell is none."""
    found = {}
    for cells in frame:
        values, wrong = read_numbers(cells, learn_format(cells, decimal)[0]) if cells.dtype == pl.String else as_numbers(cells)
        if cells.dtype != pl.Boolean and len(wrong) <= len(cells) / 2 and np.isfinite(values).sum() > 2:
            found[cells.name] = values
    return found


def _sums(values: dict[str, np.ndarray], frame: pl.DataFrame, details: np.ndarray, at: int, one: Candidate, likely: Iterable[int]) -> bool:
    """Whether at least half of the numbers of a row, without a word all of its cells, are sums (or means) of one group of rows.

    Numbers that many rows have are not counted."""
    rows = np.arange(len(details))
    groups = [details & (rows < at)]
    if one.text:
        groups.append(details & (rows < at) & (rows > max((other for other in likely if other < at), default=-1)))
    if one.level is not None:
        groups.append(details & (frame[one.column] == one.level).fill_null(False).to_numpy())
    means = bool(OF_MEANS.search(one.text))
    numbers = [column for column in values.values() if np.isfinite(column[at]) and not _is_common(column[at], column[details])]
    right = sum(any(_is_sum(column[at], column[group], means) for group in groups) for column in numbers)
    if not one.text:
        larger = all(abs(column[at]) > np.nanmax(np.abs(column[details]), initial=0) for column in numbers)
        return right > 0 and larger and sum(cell is not None for cell in frame.row(at)) == right
    return right > 0 and 2 * right >= len(numbers) + means


def _is_common(value: float, cells: np.ndarray) -> bool:
    return int((np.abs(cells - value) <= CLOSE * abs(value)).sum()) > COMMON * len(cells)


def _is_sum(value: float, cells: np.ndarray, mean: bool) -> bool:
    known = cells[np.isfinite(cells)]
    if len(known) < 2 or known.min() == known.max() or not value:
        return False
    if mean:
        decimals = max(len(f"{number:.12g}".partition(".")[2]) for number in (value, *known[:100]))
        return bool(abs(value - known.mean()) <= max(CLOSE * known.std(), 0.5 * 10.0**-decimals))
    return bool(abs(value - known.sum()) <= CLOSE * abs(value))
