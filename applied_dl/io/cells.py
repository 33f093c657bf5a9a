"""A column of cells as numbers, moments or levels. What arrives as a number, a truth or a date stays what it is; a text is read in the
style that the training cells were written in."""

from __future__ import annotations

import datetime
import re

import numpy as np
import polars as pl

from applied_dl.io.dates import Written, parse, parse_any, whole_form, written

AROUND = r"^[$€£¥]\s*|\s*[%$€£¥]$"
GAPS = r"[ '’\u{a0}\u{202f}]"  # between thousands, as in 1 234,5 and 1'234.50
GAPPED = rf"^[+-]?\d{{1,3}}({GAPS}\d{{3}})+([.,]\d*)?$"
GROUPED = {  # what a mark between thousands looks like in each style; "0,126" is a decimal, and so is "1.5"
    "plain": r"^[+-]?[1-9]\d{0,2}((,\d{3})+\.\d+|(,\d{3}){2,})$",  # such can mean one thing only; 2,000 cannot
    "thousands": r"^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$",
    "comma": r"^[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?$",
}
ALMOST = 0.99  # share of numbers from which the style of the file wins over a style that fits more cells
LOOKED_AT = 2000  # rows that tell the file's decimal mark
ENOUGH = 20  # columns that agree on it
BLOCK = 32  # columns looked at at a time
PLAIN = re.compile(r"[+-]?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d+)?(?<=[\d.])$")
BOOLEAN = {
    word: value
    for words, value in (("true yes t y 1 ja wahr oui vrai sí si sì verdadero vero sim", 1.0),
                         ("false no f n 0 nein falsch non faux falso não nao nee", 0.0))
    for word in words.split()
}  # fmt: skip


def numbers(frame: pl.DataFrame, styles: dict[str, str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By column: (N,) float64, NaN where empty or wrong, and the rows that are wrong: no number, or none that is finite."""
    return {name: _told(_parsed(frame[name], style).to_numpy(writable=True), frame[name]) for name, style in styles.items()}


def as_numbers(cells: pl.Series, style: str = "plain") -> tuple[np.ndarray, np.ndarray]:
    """One column as `numbers` reads it."""
    return numbers(cells.to_frame(), {cells.name: style})[cells.name]


def _parsed(cells: pl.Series, style: str) -> pl.Series:
    if cells.dtype != pl.String:
        return cells.cast(pl.Float64) if cells.dtype.is_numeric() else pl.Series([None] * len(cells), dtype=pl.Float64)
    if style != "comma":
        plain = cells.cast(pl.Float64, strict=False)
        if plain.null_count() == cells.null_count():
            return plain
    text = pl.col("t").str.replace_all(AROUND, "").str.replace("^−", "-")
    text = pl.when(text.str.contains(GAPPED)).then(text.str.replace_all(GAPS, "")).otherwise(text)
    if style == "comma":
        bare = pl.when(text.str.contains(GROUPED[style])).then(text.str.replace_all(".", "", literal=True)).otherwise(text)
        bare = pl.when(~bare.str.contains(".", literal=True)).then(bare.str.replace(",", ".", literal=True))
    else:
        bare = pl.when(text.str.contains(GROUPED[style])).then(text.str.replace_all(",", "", literal=True)).otherwise(text)
    return cells.to_frame("t").select(bare.cast(pl.Float64, strict=False)).to_series()


def _told(values: np.ndarray, cells: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(values)
    if known.all():
        return values, np.zeros(0, np.int64)
    return np.where(known, values, np.nan), np.flatnonzero(~known & cells.is_not_null().to_numpy())


def number_style(cells: pl.Series, mark: str | None = None) -> tuple[str, float]:
    """The style in which most of the cells that are not empty are numbers, and the share that are.

    mark: the decimal mark of the file ("." or ","): it decides what 1,234 and 1.234 are.
    """
    filled = cells.drop_nulls()
    if not len(filled):
        return "plain", 0.0
    if cells.dtype == pl.String and mark != "," and _plain(filled):
        return "plain", 1.0
    first = "comma" if mark == "," and cells.dtype == pl.String else "plain"
    if cells.dtype != pl.String or not filled.str.contains("[.,]").any():
        return first, _share(filled, first)
    shares = {style: _share(filled, style) for style in dict.fromkeys((first, *GROUPED))}
    best = max(shares, key=lambda style: shares[style])
    if mark == "." and best == "comma":
        likely = max(("plain", "thousands"), key=lambda style: shares[style])
    else:
        likely = first if mark == "," else best
    return (likely, shares[likely]) if shares[likely] >= ALMOST else (best, shares[best])


def _plain(filled: pl.Series) -> bool:
    """Whether all are finite numbers as computers write them."""
    values = filled.cast(pl.Float64, strict=False)
    return not values.null_count() and bool(values.is_finite().all())


def _share(filled: pl.Series, style: str) -> float:
    return 1 - len(as_numbers(filled, style)[1]) / len(filled)


def decimal_mark(frame: pl.DataFrame, separator: str | None = None) -> str | None:
    """The decimal mark that the columns of a file agree on, by the cells that leave no choice (1,5 and 0.126 do not, 1,234 does).

    Where none does, the separator tells: commas between the cells are none within numbers; semicolons are, where numbers have commas.
    None where nothing tells.
    """
    head, votes, open_ones = frame.head(LOOKED_AT).select(pl.col(pl.String)), {",": 0, ".": 0}, 0
    for at in range(0, head.width if head.height else 0, BLOCK):
        texts = head[:, at : at + BLOCK]
        marked = texts.select(pl.all().str.contains(r"\d[.,]|[.,]\d").any()).row(0)
        texts = texts.select(name for name, found in zip(texts.columns, marked) if found)
        plain = texts.select((pl.all().cast(pl.Float64, strict=False).is_finite() | pl.all().is_null()).fill_null(False).all())
        either = texts.select((pl.all().str.contains(GROUPED["comma"]) | ~pl.all().str.contains("[.,]")).all())
        for cells in texts:
            if plain[cells.name][0]:
                votes["."] += not either[cells.name][0]
                continue
            some = cells.drop_nulls()
            comma, point = _share(some, "comma"), max(_share(some, "plain"), _share(some, "thousands"))
            if max(comma, point) >= ALMOST:
                votes[","] += comma > point
                votes["."] += point > comma
                open_ones += comma == point and some.str.contains(",", literal=True).any()
        if abs(votes[","] - votes["."]) >= ENOUGH:
            break
    if votes[","] == votes["."]:
        return {";": "," if open_ones else None, ",": "."}.get(separator) if not votes[","] else None
    return max(votes, key=lambda mark: votes[mark])


def unsure(cells: pl.Series, style: str) -> str:
    """A note where each marked cell of a column could as well be a thousandth or a thousandfold of what it is taken for."""
    if cells.dtype != pl.String or style not in ("thousands", "comma", "plain"):
        return ""
    filled = cells.drop_nulls()
    marked = filled.filter(filled.str.contains("[.,]"))
    other = "comma" if style != "comma" else ("plain" if marked.str.contains(".", literal=True).any() else "thousands")
    if not len(marked) or len(as_numbers(marked, other)[1]):
        return ""
    taken = as_numbers(marked.head(1), style)[0][0]
    return f"{marked[0]!r} is read as {taken:g}; data.decimal = {'.' if style == 'comma' else ','!r} reads it otherwise"


def as_moments(cells: pl.Series, style: str) -> tuple[np.ndarray, np.ndarray]:
    """(N,) float64 seconds since 1970 by the clock on the wall, NaN where empty or wrong, and the rows that are wrong.

    ISO 8601 is read beside the style, and so are cells that arrive as dates or times.
    """
    found = cells
    if cells.dtype.is_integer():
        found = parse(cells.cast(pl.String), style)
    elif cells.dtype == pl.String:
        found = parse_any(cells, style)
    elif not cells.dtype.is_temporal():
        found = pl.Series([None] * len(cells), dtype=pl.Datetime("us"))
    if isinstance(found.dtype, pl.Datetime) and found.dtype.time_zone:
        found = found.dt.replace_time_zone(None)
    values = (found.cast(pl.Datetime("us")).dt.timestamp("us") / 1e6).to_numpy().astype(np.float64)
    return values, np.flatnonzero(np.isnan(values) & cells.is_not_null().to_numpy())


def moment_style(cells: pl.Series) -> Written | None:
    """How a column of dates or times is written; None where most of its cells are neither."""
    if cells.dtype.is_temporal():
        return Written("%Y-%m-%d", 1.0, False)
    if cells.dtype.is_integer():
        form = whole_form(cells)
        return Written(form, 1.0, False) if form else None
    found = written(cells) if cells.dtype == pl.String else None
    return found if found and found.share > 0.5 else None


def as_levels(cells: pl.Series) -> pl.Series:
    """Cells as the texts that people write: true, 3 (also where a column of whole numbers became floats by an empty cell), 2024-01-31."""
    if cells.dtype == pl.String:
        return cells
    if cells.dtype.is_float():
        known = cells.drop_nulls()
        whole = known.is_finite().all() and (known == known.round()).all() and known.abs().max() < 2**53 if len(known) else False
        return (cells.cast(pl.Int64) if whole else cells).cast(pl.String)
    if isinstance(cells.dtype, pl.Datetime):
        plain = cells.dt.replace_time_zone(None)
        days = (plain.dt.truncate("1d") == plain).all()
        return (plain.cast(pl.Date) if days else plain).cast(pl.String)
    return cells.cast(pl.String)


def places(cells: pl.Series, levels: tuple[str, ...]) -> np.ndarray:
    """(N,) int64: the place of each cell among the levels, −1 where empty, −2 where it is none of them.

    Spellings that differ with the file a cell came through are alike: True and true, 0, 0.0 and '0', unless two levels differ by that.
    """
    known = {level: i for i, level in enumerate(levels)}
    alike: dict = {}
    for level, i in known.items():
        key = _alike(level)
        alike[key] = i if alike.get(key, i) == i else -2
    found = {}
    texts = as_levels(cells)
    for text in texts.unique().to_list():
        found[text] = -1 if text is None else known[text] if text in known else alike.get(_alike(text), -2)
    return np.array([found[text] for text in texts.to_list()], np.int64)


def _alike(text: str):
    """What two spellings of a cell have in common: a truth, a number (00123 is a code, not 123), a moment."""
    lower = text.lower()
    if lower in ("true", "false"):
        return lower
    if PLAIN.match(text):
        return float(text)
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return text
