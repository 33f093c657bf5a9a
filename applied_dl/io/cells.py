"""A column of cells as numbers, moments or levels. Numbers, booleans and dates keep their type; texts are read in the style that the
training cells were written in."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np
import polars as pl

from applied_dl.io.dates import parse, parse_any
from applied_dl.io.infer_dates import Written, whole_form, written
from applied_dl.io.labels import label_key
from applied_dl.io.numeric_times import FIRST_YEAR, LAST_YEAR, from_numbers, numeric_form

AROUND = r"^[$€£¥]\s*|\s*[%$€£¥]$"
GAPS = r"[ '’\u{a0}\u{202f}]"  # between thousands, as in 1 234,5 and 1'234.50
GAPPED = rf"^[+-]?\d{{1,3}}({GAPS}\d{{3}})+([.,]\d*)?$"
GROUPED = {  # numbers with a mark between thousands, by style; "0,126" and "1.5" are decimals
    "plain": r"^[+-]?[1-9]\d{0,2}((,\d{3})+\.\d+|(,\d{3}){2,})$",  # unambiguous only; 2,000 is not
    "thousands": r"^[+-]?(?:[1-9]\d{0,2}(,\d{3})+|[1-9]\d?(,\d\d)+,\d{3})(\.\d*)?$",  # also 12,34,567
    "comma": r"^[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?$",
}
EITHER = "either"  # the style of a column in which both marks are decimal marks
ALMOST = 0.99  # share of numbers from which the style of the file is preferred to a style that fits more cells
SAMPLE_ROWS = 2000  # by which the decimal mark of a file is decided
ENOUGH = 20  # columns that agree on it, after which no more are read
BLOCK = 32  # columns that are read at a time
PLAIN = re.compile(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")
PUNCTUATION = (  # a text without a letter, digit, check mark, star or plus; or a date of zeros
    r"^[^\p{L}\p{N}\p{So}+]+$|^(?:0000[-/.]00[-/.]00|00[-/.]00[-/.]0000)(?:[ T]00:00(?::00)?)?$"
)
MARKS = (  # texts that mean missing among numbers and dates, in lower case
    "na", "n.a", "n/a", "n a", "nd", "n.d", "n/d", "nr", "nan", "nil", "null", "none", "missing", "unknown", "unk", "not available",
    "not applicable", "not known", "not specified", "not reported", "no data", "nodata", "no value", "undefined", "blank", "empty", "tbd",
    "tba", "\\n", "k.a", "k. a", "keine angabe", "unbekannt", "fehlt", "fehlend", "inconnu", "inconnue", "manquant", "non disponible",
    "desconocido", "sin dato", "s/d", "no disponible", "sconosciuto", "mancante", "desconhecido", "onbekend", "#div/0!", "#value!", "#ref!",
    "#num!", "#name?", "#null!", "div/0", "refused", "suppressed", "withheld", "bdl", "error", "err",
)  # fmt: skip
SERIALS = {  # numbers that are moments: seconds of one unit, and where they start
    "excel": (86400.0, -2209161600.0), "epoch": (1.0, 0.0), "epoch_ms": (0.001, 0.0), "epoch_us": (1e-6, 0.0), "epoch_ns": (1e-9, 0.0),
}  # fmt: skip
YEARLY = tuple(f"decimal_year:{count}" for count in (4, 12, 52, 365)) + ("year.month",)  # forms of years with decimals
YEARS = (631152000.0, 2145916800.0)  # 1990 to 2038, in which numbers have to lie to be moments
BOOLEAN = {
    word: value
    for words, value in (("true yes t y 1 on ja j wahr oui vrai sí si sì verdadero vero sim tak да evet hai 是 ✓ ✔ ☑ ✅ + ✔️", 1.0),
                         ("false no f n 0 off nein falsch non faux falso não nao nee nie нет hayır iie 否 ✗ ✘ ☒ ❌ ☐ - − ✖ ✕ × ✖️", 0.0))
    for word in words.split()
}  # fmt: skip


def numbers(frame: pl.DataFrame, styles: dict[str, str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By column: (N,) float64, NaN where empty or wrong, and the rows of cells that are not finite numbers."""
    return {name: _with_wrong_rows(_parsed(frame[name], style).to_numpy(writable=True), frame[name]) for name, style in styles.items()}


def as_numbers(cells: pl.Series, style: str = "plain") -> tuple[np.ndarray, np.ndarray]:
    """As `numbers`, for one column."""
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
    elif style == EITHER:
        bare = text.str.replace(",", ".", literal=True)
    else:
        bare = pl.when(text.str.contains(GROUPED[style])).then(text.str.replace_all(",", "", literal=True)).otherwise(text)
    return cells.to_frame("t").select(bare.cast(pl.Float64, strict=False)).to_series()


def _with_wrong_rows(values: np.ndarray, cells: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(values)
    if known.all():
        return values, np.zeros(0, np.int64)
    return np.where(known, values, np.nan), np.flatnonzero(~known & cells.is_not_null().to_numpy())


def number_style(cells: pl.Series, mark: str | None = None) -> tuple[str, float]:
    """The style in which most non-empty cells are numbers, and their share.

    mark: the decimal mark of the file ("." or ","), which decides what 1,234 and 1.234 mean.
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
    """Whether all are finite numbers in programming notation."""
    values = filled.cast(pl.Float64, strict=False)
    return not values.null_count() and bool(values.is_finite().all())


def _share(filled: pl.Series, style: str) -> float:
    return 1 - len(as_numbers(filled, style)[1]) / max(len(filled), 1)


def decimal_mark(frame: pl.DataFrame, separator: str | None = None) -> str | None:
    """The decimal mark that the columns of a file agree on, by unambiguous cells (1,5 and 0.126 are, 1,234 is not).

    Where no cell decides, the separator does: "." where commas separate the cells; "," where semicolons do and numbers have commas.
    None where neither decides.
    """
    head, votes, ambiguous = frame.head(SAMPLE_ROWS).select(pl.col(pl.String)), {",": 0, ".": 0}, 0
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
            some = some.filter(~is_mark(some))
            comma, point = _share(some, "comma"), max(_share(some, "plain"), _share(some, "thousands"))
            if len(some) and max(comma, point) >= ALMOST:
                votes[","] += comma > point
                votes["."] += point > comma
                ambiguous += comma == point and some.str.contains(",", literal=True).any()
        if abs(votes[","] - votes["."]) >= ENOUGH:
            break
    if votes[","] == votes["."]:
        return {";": "," if ambiguous else None, ",": "."}.get(separator or "") if not votes[","] else None
    return max(votes, key=lambda mark: votes[mark])


def unsure(cells: pl.Series, style: str) -> str:
    """A note where the mark in every cell of a column could as well be a decimal mark as a thousands mark."""
    if cells.dtype != pl.String or style not in ("thousands", "comma", "plain"):
        return ""
    filled = cells.drop_nulls()
    marked = filled.filter(filled.str.contains("[.,]"))
    other = "comma" if style != "comma" else ("plain" if marked.str.contains(".", literal=True).any() else "thousands")
    if not len(marked) or len(as_numbers(marked, other)[1]):
        return ""
    taken = as_numbers(marked.head(1), style)[0][0]
    return f"{marked[0]!r} is read as {taken:g}; data.decimal = {'.' if style == 'comma' else ','!r} reads it the other way"


def is_mark(cells: pl.Series) -> pl.Series:
    """Whether each text stands for a missing number: `--`, `.`, `\\N`, `unknown`, `#DIV/0!`, `0000-00-00`, …; false for other types."""
    if cells.dtype != pl.String:
        return pl.Series(cells.name, [False] * len(cells), dtype=pl.Boolean)
    bare = cells.str.to_lowercase().str.strip_chars(" ()[]<>.'\"`").str.replace_all(r"[\s_]+", " ")
    return (bare.is_in(MARKS) | cells.str.contains(PUNCTUATION)).fill_null(False)


def as_moments(cells: pl.Series, style: str) -> tuple[np.ndarray, np.ndarray]:
    """(N,) float64 seconds since 1970 in local time, NaN where empty or wrong, and the rows that are wrong.

    ISO 8601 is accepted beside the style, as are cells of a date or time type.
    """
    if style in SERIALS:
        unit, start = SERIALS[style]
        values, wrong = as_numbers(cells)
        return values * unit + start, wrong
    if style.startswith(YEARLY):
        values = as_numbers(cells)[0]
        values[~((values >= FIRST_YEAR) & (values < LAST_YEAR))] = np.nan
        seconds = from_numbers(values, style).astype("datetime64[s]").astype(np.float64)
        seconds[np.isnan(values)] = np.nan
        return seconds, np.flatnonzero(np.isnan(values) & cells.is_not_null().to_numpy())
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
    """The form of a column of dates or times; None where most cells are neither."""
    if cells.dtype.is_temporal():
        return Written("%Y-%m-%d", 1.0, False)
    if cells.dtype.is_integer():
        form = whole_form(cells)
        return Written(form, 1.0, False) if form else None
    found = written(cells) if cells.dtype == pl.String else None
    return found if found and found.share > 0.5 else None


def serial_style(cells: pl.Series) -> str | None:
    """The style of numbers that are days since 1899 as spreadsheets count them, seconds or their fractions since 1970, or years with
    decimals that count quarters, months, weeks or days.

    None where days and seconds lie outside the years 1990 to 2038. Numbers alone are no evidence: ask only for columns that are named
    like times.
    """
    values = as_numbers(cells)[0]
    known = values[np.isfinite(values)]
    if len(known) and (form := numeric_form(known, named=True)) and form.startswith(YEARLY):
        return form
    for style, (unit, start) in SERIALS.items():
        if len(known) and YEARS[0] <= known.min() * unit + start and known.max() * unit + start <= YEARS[1]:
            return style
    return None


def as_levels(cells: pl.Series) -> pl.Series:
    """Cells as texts: true, 3 (also where an empty cell turned a column of integers into floats), 2024-01-31."""
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
    """(N,) int64: the index of each cell among the levels, −1 where empty, −2 where it is none of them.

    Spellings that differ only by the file format are equal: True and true, 0, 0.0 and '0'; then those that differ only by case, blanks or a
    trailing full stop. Levels that would become equal keep their exact spelling.
    """
    known = {level: i for i, level in enumerate(levels)}
    rules = (_typed, label_key)
    alike: list[dict[str, int]] = [{}, {}]
    for level, i in known.items():
        for rule, table in zip(rules, alike):
            key = rule(level)
            table[key] = i if table.get(key, i) == i else -2

    def find(text: str | None) -> int:
        if text is None:
            return -1
        found = known.get(text, -2)
        for rule, table in zip(rules, alike):
            found = table.get(rule(text), -2) if found == -2 else found
        return found

    texts = as_levels(cells)
    index = {text: find(text) for text in texts.unique().to_list()}
    return np.array([index[text] for text in texts.to_list()], np.int64)


def _typed(text: str) -> Any:
    """The value that two spellings of a cell share: a boolean, a number (00123 is a code, not 123), a moment, else the text."""
    lower = text.lower()
    if lower in ("true", "false"):
        return lower
    if PLAIN.match(text):
        return float(text)
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return text
