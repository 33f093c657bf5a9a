"""A column of texts as numbers or moments, in the style that its training cells were written in."""

from __future__ import annotations

import numpy as np
import polars as pl

THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
BOTH_MARKS = r"^[+-]?\d{1,3}(,\d{3})+\.\d+$"
AROUND = r"^[$€£¥]\s*|\s*[%$€£¥]$"
BOOLEAN = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "t": 1.0, "f": 0.0, "y": 1.0, "n": 0.0}
FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
    "%Y-%m-%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%Y%m%d",
)  # fmt: skip


def numbers(frame: pl.DataFrame, styles: dict[str, str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By column: (N,) float64, NaN where empty or wrong, and the rows that are wrong: no number, or none that is finite.

    All columns in one pass: of a single row it is the passes that cost.
    """
    if not styles:
        return {}
    parsed = frame.select(_parsed(pl.col(name), style) for name, style in styles.items())
    return {name: _told(parsed[name].to_numpy(writable=True), frame[name]) for name in styles}


def as_numbers(cells: pl.Series, style: str = "plain") -> tuple[np.ndarray, np.ndarray]:
    """One column as `numbers` reads it."""
    return numbers(cells.to_frame(), {cells.name: style})[cells.name]


def _parsed(text: pl.Expr, style: str) -> pl.Expr:
    text = text.str.replace_all(AROUND, "")
    if style == "thousands":
        text = text.str.replace_all(",", "", literal=True)
    elif style == "comma":
        text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    else:  # 2,000.50 can mean one thing only; 2,000 cannot
        text = pl.when(text.str.contains(BOTH_MARKS)).then(text.str.replace_all(",", "", literal=True)).otherwise(text)
    return text.cast(pl.Float64, strict=False)


def _told(values: np.ndarray, cells: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(values)
    if known.all():
        return values, np.zeros(0, np.int64)
    return np.where(known, values, np.nan), np.flatnonzero(~known & cells.is_not_null().to_numpy())


def as_moments(cells: pl.Series, style: str) -> tuple[np.ndarray, np.ndarray]:
    """(N,) float64 seconds since 1970, NaN where empty or wrong, and the rows that are wrong."""
    text = cells.str.replace(r"(Z|[+-]\d\d:?\d\d)$", "")  # the clock on the wall, whatever the zone
    if "%H" in style:
        found = text.str.to_datetime(style, strict=False, time_unit="ms")
    else:
        found = text.str.to_date(style, strict=False).cast(pl.Datetime("ms"))
    values = (found.dt.timestamp("ms") / 1000).to_numpy().astype(np.float64)
    return values, np.flatnonzero(np.isnan(values) & cells.is_not_null().to_numpy())


def number_style(cells: pl.Series, decimal: str | None = None) -> tuple[str, float]:
    """The style in which most of the cells that are not empty are numbers, and the share that are."""
    filled = cells.drop_nulls()
    if not len(filled):
        return "plain", 0.0
    bare = filled.str.replace_all(AROUND, "")
    with_comma = bare.filter(bare.str.contains(",", literal=True))
    styles = ["plain"]
    if decimal == ",":
        styles = ["comma"]
    elif len(with_comma) and decimal != ".":
        styles = ["thousands" if with_comma.str.contains(THOUSANDS).all() else "comma", "plain"]
    elif len(with_comma):
        styles = ["thousands", "plain"]
    shares = [(1 - len(as_numbers(filled, style)[1]) / len(filled), style) for style in styles]
    share, style = max(shares, key=lambda pair: pair[0])
    return style, share


def moment_style(cells: pl.Series) -> str | None:
    """The format that every cell that is not empty fits, or None."""
    filled = cells.drop_nulls()
    if not len(filled) or not filled[0][:1].isdigit() or len(filled[0]) < 8:
        return None
    head = filled.head(200)
    for style in FORMATS:
        if not len(as_moments(head, style)[1]) and not len(as_moments(filled, style)[1]):
            return style
    return None
