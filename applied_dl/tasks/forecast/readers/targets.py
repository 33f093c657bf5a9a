"""The columns of a table that are forecast, where the recipe names none: those of one kind, without flags, calendars and covariates."""

from __future__ import annotations

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast.readers.tables import text_style
from applied_dl.tasks.forecast.readers.time_names import ROLES, WEEKDAY_WORDS, name_words, named_like_time

VALUE_NAMES = ("value", "y", "target", "values")
VOCABULARY = {  # words in the names of columns that hold the quantity that people forecast, or explain it
    "demand": "sales sale sold units quantity qty demand revenue turnover orders order y target value values load consumption usage count "
    "cnt visits visitors customers passengers traffic bookings rentals calls tickets umsatz absatz verkaufe verkauf menge last verbrauch "
    "besucher ventas venta cantidad demanda consumo vendas quantidade ventes vente quantite chiffre vendite quantita omzet verkoop",
    "covariate": "promo promotion promotions onpromotion discount price prices holiday holidays isholiday event events weather temperature "
    "temp rain rainfall humidity wind markdown campaign aktion rabatt preis preise feiertag ferien temperatur wetter precio promocion "
    "festivo prix ferie preco desconto feriado prezzo sconto festivita prijs korting feestdag cena",
}
DEMAND_WORDS, COVARIATE_WORDS = (set(words.split()) for words in VOCABULARY.values())
ROW_WORDS = {"rownames", "rowname", "row", "rowid", "rownum", "unnamed"}  # of a column that numbers the rows, in whatever order
YEARDAY_WORDS = {"yday", "doy", "dayofyear", "yearday", "julian"}
SHOWN = 10  # columns of a note
LEAST_EVEN = 20  # numbers that rise evenly from 0 are no coincidence
LEAST_COUNTED = 10  # rows whose numbers rise by one are counted, not measured
FEW_GAPS = 0.1  # of the rows lack a value before the last one of what is to be forecast
KNOWN_AHEAD = 0.2  # of the rows of a table, at the most, are those after the last value of what is to be forecast


def choose_targets(table, free: list[str], layout: str, where: str, time: str | None) -> tuple[tuple[str, ...], list[str], list[str]]:
    """The columns to forecast where the recipe names none: those of one kind, without flags, calendars, row numbers and covariates.

    Args:
        table: polars frame.
        free: Its columns of numbers that have no other meaning.
        layout: "wide" or "long".
        where: How to call the file in messages.
        time: The column of times, if there is one.

    Returns:
        The columns, notes on what was chosen and why, and the columns that the notes name as not forecast.

    Raises:
        DataError: Where a long file has several columns that may be meant.
    """
    if layout == "long" and (value := [n for n in free if n.lower() in VALUE_NAMES][:1]):
        return tuple(value), [], []
    reasons = {name: reason for name in free if (reason := _no_target(table[name], None if time is None else table[time]))}
    left = [name for name in free if name not in reasons] or free
    demand = [n for n in left if DEMAND_WORDS & set(name_words(n)) and not COVARIATE_WORDS & set(name_words(n))]
    early = _ends_early(table, left)
    if early and len(early) < len(left):
        reasons |= {name: "goes on after the others end" for name in left if name not in early}
        left = early
    elif demand and len(demand) < len(left) and any(COVARIATE_WORDS & set(name_words(n)) for n in left):
        reasons |= {name: "looks like a covariate" for name in left if name not in demand}
        left = demand
    elif demand and layout == "long" and len(demand) == 1:
        left = demand
    if layout == "long" and len(left) > 1:
        raise DataError(f"{where}: several columns of numbers ({', '.join(left)}); name the one to forecast with data.target.")
    notes = []
    passed = [name for name in free if name not in left]
    if passed:
        why = "; ".join(f"{name} {reasons[name]}" for name in passed[:SHOWN] if name in reasons)
        notes.append(
            f"{where}: {', '.join(left[:SHOWN])} {_be(left)} forecast, {', '.join(passed[:SHOWN])} {_be(passed)} not"
            f"{f' ({why})' if why else ''}; data.target "
            "names the columns to forecast, data.future_covariates those whose future values are known"
        )
    if len(left) > 1 and _unlike(table, left):
        notes.append(
            f"{where}: {len(left)} columns of different kinds are forecast ({', '.join(left[:SHOWN])}); if you want one of them, name it "
            "with data.target"
        )
    return tuple(left), notes, passed


def _be(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _no_target(column, times) -> str:
    """Why a column of numbers is nothing to forecast; empty where it may be. times: the column of times, if the table has one."""
    import polars as pl

    words, known = set(name_words(column.name)), column.drop_nulls()
    if column.dtype == pl.Boolean or (column.dtype.is_numeric() and known.n_unique() == 2 and set(known.unique().to_list()) <= {0, 1}):
        return "is a flag"
    values = known.to_numpy()
    if column.dtype.is_float() and len(values) > LEAST_EVEN and np.isfinite(values).all() and np.ptp(values):
        even = np.abs(np.diff(values) - np.ptp(values) / (len(values) - 1)).max() < 1e-6 * np.ptp(values)
        return "counts up evenly" if even and (times is None or named_like_time(column.name)) else ""
    if not column.dtype.is_integer():
        return ""
    counted = words & (DEMAND_WORDS | {"per"})  # units_per_day, month_sales
    if (
        not counted
        and (words & set(ROLES) or words & set(WEEKDAY_WORDS.split()))
        and known.n_unique() <= 53
        and values.min() >= 0
        and values.max() <= 53
    ):
        return "is a part of the date"
    if (YEARDAY_WORDS & words or {"day", "year"} <= words) and values.min() >= 0 and values.max() <= 366:
        return "is a part of the date"
    steps = np.diff(values)
    if len(steps) and (steps == steps[0]).all() and abs(int(steps[0])) == 1 and (len(values) > LEAST_COUNTED or values.min() in (0, 1)):
        return "counts the rows"
    if ROW_WORDS & words and known.n_unique() == len(known) > 1:
        return "counts the rows"
    if times is not None and times.dtype.is_numeric() and len(steps) and (steps != 0).any() and column.equals(times, check_names=False):
        return "repeats the times"
    if ROLES.keys() & words and ROLES.get(next(iter(ROLES.keys() & words))) == "year" and values.min() >= 1500 and values.max() < 2200:
        return "is a part of the date"
    return ""


def _ends_early(table, names: list[str]) -> list[str]:
    """The columns whose last values are missing where the others have some: they are what is to be forecast.

    Where many rows are left after them, they are series that came to an end.
    """
    last = {name: table.height - int(table[name].is_not_null().reverse().arg_max() or 0) for name in names}
    if len(set(last.values())) != 2 or min(last.values()) < (1 - KNOWN_AHEAD) * max(last.values()):
        return []
    early = [name for name in names if last[name] < max(last.values())]
    gaps = [table[name].null_count() - (table.height - last[name]) for name in early]  # of a column with many, the last one says nothing
    return early if max(gaps) <= FEW_GAPS * table.height else []


def _unlike(table, names: list[str]) -> bool:
    """Whether columns differ so much in size that they hardly measure the same thing."""
    sizes = [float(table[name].cast(float, strict=False).abs().median() or 0) for name in names]
    known = [size for size in sizes if size > 0]
    return len(known) > 1 and max(known) > 20 * min(known)


def mostly_numbers(column) -> bool:
    """Whether a column holds numbers, or texts of which most are numbers."""
    import polars as pl

    if column.null_count() == len(column):
        return False
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return True
    return column.dtype == pl.String and text_style(column, "")[1] >= 0.5
