"""Which columns of a table of series mean what: layout, series and targets, from the recipe or from names and cells."""

from __future__ import annotations

import re

import numpy as np
from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.tasks.forecast.readers.tables import text_style
from applied_dl.tasks.forecast.readers.time_names import ROLES, WEEKDAY_WORDS, name_words
from applied_dl.tasks.forecast.series import Columns

SERIES_NAMES = ("series", "unique_id", "series_id", "item_id", "item", "id", "name", "store", "sensor")
VALUE_NAMES = ("value", "y", "target", "values")
VOCABULARY = {  # words in the names of columns that name a series, hold the quantity that people forecast, or explain it
    "series": "series unique item store shop sensor product sku station site location region country state city customer device meter "
    "department dept family branch warehouse category symbol ticker filiale artikel produkt laden standort sender tienda producto magasin "
    "produit loja",
    "demand": "sales sale sold units quantity qty demand revenue turnover orders order y target value values load consumption usage count "
    "cnt visits visitors customers passengers traffic bookings rentals calls tickets umsatz absatz verkaufe verkauf menge last verbrauch "
    "besucher ventas venta cantidad demanda consumo vendas quantidade ventes vente quantite chiffre vendite quantita omzet verkoop",
    "covariate": "promo promotion promotions onpromotion discount price prices holiday holidays isholiday event events weather temperature "
    "temp rain rainfall humidity wind markdown campaign aktion rabatt preis preise feiertag ferien temperatur wetter precio promocion "
    "festivo prix ferie preco desconto feriado prezzo sconto festivita prijs korting feestdag cena",
}
SERIES_WORDS, DEMAND_WORDS, COVARIATE_WORDS = (set(words.split()) for words in VOCABULARY.values())
SHOWN = 10  # columns of a note
SHORTEST_ROWS = 4  # columns of numbers that a file with a row for each series has at the least
LEAST_EVEN = 20  # numbers that rise evenly from 0 are no coincidence
REPEATED_TIMES = 0.02  # share of repeated times from which a file may hold several series; clock changes repeat fewer
FEW_EMPTY = 0.02  # of the cells of a column that names series
ONE_EACH = 0.8  # of the rows are the only one of their series and time, at the least


def understand(table, columns: Columns, where: str) -> tuple[Columns, list[str], list[str]]:
    """Fill in layout, series and target columns that were not named.

    Args:
        table: polars frame whose column of times is named by `columns.time`.
        columns: What the recipe or the training file says.
        where: How to call the file in messages.

    Returns:
        The complete columns, notes on what was chosen and why, and the columns of numbers that the notes name as not forecast.

    Raises:
        DataError: Where a named column is missing or no column can be forecast.
        UsageError: Where keys contradict each other or the layout.
    """
    names = table.columns
    check_columns(table, columns, where)
    layout, time, series = columns.layout, columns.time, columns.series
    if layout not in (None, "wide", "long", "rows"):
        raise UsageError(f"Unknown data.layout {layout!r}.{nearest(layout, ('wide', 'long', 'rows'))}")
    if layout is None and series is None and _has_rows(table, time):
        layout = "rows"
    if series is None and layout in (None, "long"):
        series = _find_series(table, columns)
    if series is None and layout == "long":
        series = next((name for name in names if name.lower() in SERIES_NAMES and name != time), None)
    if layout is None:
        layout = "long" if series and (time or columns.series) else "wide"
    if layout == "wide" and (columns.static or columns.series):
        key = "static_covariates" if columns.static else "series"
        raise UsageError(f"data.{key} is for a long file (a row for each value); {where} is wide, a column for each series.")
    if layout == "rows":
        keys = {"targets": "target", **{key: f"{key}_covariates" for key in ("past", "future", "static")}}
        idle = [name for key, name in keys.items() if getattr(columns, key)] + (["time"] if time else [])
        if idle:
            raise UsageError(f"data.{idle[0]} has no meaning for {where}, which has a row for each series.")
        return replace(columns, layout="rows", time=None, time_parts=(), series=columns.series or names[0]), [], []
    if layout == "long" and series is None:
        raise DataError(f"{where}: no column names the series; set data.series to one of: {', '.join(names)}.")
    targets, notes, passed = columns.targets, [], []
    if not targets:
        taken = {time, series if layout == "long" else None, *columns.past, *columns.future, *columns.static}
        free = [name for name in names if name not in taken and _mostly_numbers(table[name])]
        targets, notes, passed = _choose_targets(table, free, layout, where, time is None)
    if not targets:
        raise DataError(f"{where}: no column of numbers to forecast among: {', '.join(names)}; name it with data.target.")
    return replace(columns, layout=layout, time=time, series=series if layout == "long" else None, targets=targets), notes, passed


def check_columns(table, columns: Columns, where: str) -> None:
    """Refuse named columns that the table lacks, and columns with two meanings: a target known ahead would leak into the input."""
    for name in (columns.time, columns.series, *columns.targets, *columns.past, *columns.future, *columns.static):
        if name is not None and name not in table.columns:
            raise DataError(f"{where} has no column {name!r}.{nearest(name, table.columns)}")
    given = {
        "target": columns.targets,
        "past_covariates": columns.past,
        "future_covariates": columns.future,
        "static_covariates": columns.static,
        "time": (columns.time,),
        "series": (columns.series,),
    }
    seen: dict[str, str] = {}
    for key, names in given.items():
        for name in filter(None, names):
            if name in seen:
                raise UsageError(f"The column {name!r} is named by data.{seen[name]} and by data.{key}; give it one meaning.")
            seen[name] = key


def _choose_targets(table, free: list[str], layout: str, where: str, timeless: bool) -> tuple[tuple[str, ...], list[str], list[str]]:
    """The columns to forecast where the recipe names none: those of one kind, without flags, calendars, row numbers and covariates."""
    if layout == "long" and (value := [n for n in free if n.lower() in VALUE_NAMES][:1]):
        return tuple(value), [], []
    reasons = {name: reason for name in free if (reason := _no_target(table[name], timeless))}
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
            f"{where}: {', '.join(left[:SHOWN])} is forecast, {', '.join(passed[:SHOWN])} is not{f' ({why})' if why else ''}; data.target "
            "names the columns to forecast, data.future_covariates those whose future values are known"
        )
    if len(left) > 1 and _unlike(table, left):
        notes.append(
            f"{where}: {len(left)} columns of different kinds are forecast ({', '.join(left[:SHOWN])}); if you want one of them, name it "
            "with data.target"
        )
    return tuple(left), notes, passed


def _no_target(column, timeless: bool) -> str:
    """Why a column of numbers is nothing to forecast; empty where it may be. timeless: the table has no column of times."""
    import polars as pl

    words, known = set(name_words(column.name)), column.drop_nulls()
    if column.dtype == pl.Boolean or (column.dtype.is_numeric() and known.n_unique() == 2 and set(known.unique().to_list()) <= {0, 1}):
        return "is a flag"
    values = known.to_numpy()
    if timeless and column.dtype.is_float() and len(values) > LEAST_EVEN and np.isfinite(values).all() and np.ptp(values):
        even = np.abs(np.diff(values) - np.ptp(values) / (len(values) - 1)).max() < 1e-6 * np.ptp(values)
        return "counts up evenly" if even and values[0] == 0 else ""
    if not column.dtype.is_integer():
        return ""
    if (words & set(ROLES) or words & set(WEEKDAY_WORDS.split())) and known.n_unique() <= 53 and values.min() >= 0 and values.max() <= 53:
        return "is a part of the date"
    steps = np.diff(values)
    if len(steps) >= 10 and (steps == steps[0]).all() and abs(int(steps[0])) == 1 and values.min() in (0, 1):
        return "counts the rows"
    if ROLES.keys() & words and ROLES.get(next(iter(ROLES.keys() & words))) == "year" and values.min() >= 1500 and values.max() < 2200:
        return "is a part of the date"
    return ""


def _ends_early(table, names: list[str]) -> list[str]:
    """The columns whose last values are missing where the others have some: they are what is to be forecast."""
    last = {name: table.height - int(table[name].is_not_null().reverse().arg_max() or 0) for name in names}
    return [name for name in names if last[name] < max(last.values())] if len(set(last.values())) == 2 else []


def _unlike(table, names: list[str]) -> bool:
    """Whether columns differ so much in size that they hardly measure the same thing."""
    sizes = [float(table[name].cast(float, strict=False).abs().median() or 0) for name in names]
    known = [size for size in sizes if size > 0]
    return len(known) > 1 and max(known) > 20 * min(known)


def unread_columns(table, columns: Columns, named: bool, passed: list[str]) -> list[str]:
    """Notes on the columns that nothing has a use for: those without a single value (`named`: targets that the recipe names leave them
    out), and those that hold no numbers, or more than the one value of a long file. passed: named by another note."""
    used = {columns.time, columns.series, *columns.targets, *columns.past, *columns.future, *columns.static, *passed}
    left = [name for name in table.columns if name not in used]
    empty = [name for name in left if table[name].null_count() == table.height]
    idle = [name for name in left if name not in empty]
    found = [f"the columns {', '.join(empty)} hold no value and are left out"] if empty and not named else []
    more = ", …" if len(idle) > SHOWN else ""
    keys = (
        "data.past_covariates, data.future_covariates or data.static_covariates"
        if columns.layout == "long"
        else "data.target, data.past_covariates or data.future_covariates"
    )
    return found + ([f"the columns {', '.join(idle[:SHOWN])}{more} are not read; {keys} would name them"] if idle else [])


def _find_series(table, columns: Columns) -> str | None:
    """The column with the series that a row belongs to, where times repeat."""
    import polars as pl

    time, taken = columns.time, {columns.time, *columns.targets, *columns.past, *columns.future, *columns.static}
    if time is None or table[time].n_unique() == table.height:
        return None
    few = table[time].n_unique() > (1 - REPEATED_TIMES) * table.height  # such as a clock change repeats
    most = FEW_EMPTY * table.height  # cells that were forgotten: the reader names the row
    free = [n for n in table.columns if n not in taken and table[n].null_count() <= most and 1 < table[n].n_unique() < table.height]
    named = [n for n in free if n.lower() in SERIES_NAMES]
    worded = [n for n in free if SERIES_WORDS & set(name_words(n)) and (table[n].dtype == pl.String or table[n].dtype.is_integer())]
    texts = [n for n in free if table[n].dtype == pl.String and not _mostly_numbers(table[n])]
    integers = [n for n in named if table[n].dtype.is_integer()]
    candidates = list(dict.fromkeys((*[n for n in named if n in texts], *integers, *worded, *texts)))
    candidates = [n for n in candidates if n in named] if few else candidates
    alone = [n for n in candidates if table.select(time, n).n_unique() >= ONE_EACH * table.height]
    return next(iter(alone or [n for n in candidates if n in (*texts, *integers)]), None)


def series_keys(table, columns: Columns) -> tuple[str, ...]:
    """Two columns that name the series together (store and item), where no single one does; empty otherwise."""
    import polars as pl

    time = columns.time
    if columns.series or columns.layout in ("wide", "rows") or time is None or table[time].n_unique() > (1 - REPEATED_TIMES) * table.height:
        return ()
    taken = {time, *columns.targets, *columns.past, *columns.future, *columns.static}
    keys = [
        n
        for n in table.columns
        if n not in taken
        and not table[n].null_count()
        and 1 < table[n].n_unique() < table.height
        and (
            table[n].dtype == pl.String
            or (table[n].dtype.is_integer() and (SERIES_WORDS & set(name_words(n)) or n.lower() in SERIES_NAMES))
        )
    ]
    if any(table.select(time, n).n_unique() >= ONE_EACH * table.height for n in keys):
        return ()
    pairs = [(a, b) for i, a in enumerate(keys) for b in keys[i + 1 :]]
    return next((pair for pair in pairs if table.select(time, *pair).n_unique() >= ONE_EACH * table.height), ())


def _has_rows(table, time: str | None) -> bool:
    import polars as pl

    if time is not None:
        return False
    first, *others = table.columns
    column, counted = table[first], [name for name in others if table[name].dtype != pl.String]
    stems = [re.fullmatch(r"(.*?)[_ ]?(\d+)", name) for name in counted]
    if len({found[1] for found in stems if found}) == 1 and all(
        found and int(found[2]) - i == int(stems[0][2]) for i, found in enumerate(stems)
    ):
        others = counted  # d_1, d_2, … beside more texts than one
    return (
        column.dtype == pl.String
        and column.n_unique() == table.height
        and len(others) >= SHORTEST_ROWS
        and all(table[name].dtype.is_numeric() or table[name].null_count() == table.height for name in others)
    )


def _mostly_numbers(column) -> bool:
    import polars as pl

    if column.null_count() == len(column):
        return False
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return True
    return column.dtype == pl.String and text_style(column, "")[1] >= 0.5
