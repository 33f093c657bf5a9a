"""Which columns name the series that a row belongs to, and whether each row is a series of its own."""

from __future__ import annotations

import re
from itertools import combinations

from applied_dl.core.errors import DataError
from applied_dl.tasks.forecast.readers.targets import mostly_numbers
from applied_dl.tasks.forecast.readers.time_names import ROLES, name_words, named_like_time
from applied_dl.tasks.forecast.series import Columns

SERIES_NAMES = ("series", "unique_id", "series_id", "item_id", "item", "id", "name", "store", "sensor")
WORDS = (  # in the names of columns that name a series
    "series unique item store shop sensor product sku station site location region country state city customer device meter "
    "department dept family branch warehouse category symbol ticker firm company county municipality district province filiale artikel "
    "produkt laden standort sender tienda producto magasin produit loja"
)
SERIES_WORDS = set(WORDS.split())
SHORTEST_ROWS = 4  # columns of numbers that a file with a row for each series has at the least
REPEATED_TIMES = 0.02  # share of repeated times from which a file may hold several series; clock changes repeat fewer
FEW_EMPTY = 0.02  # of the cells of a column that names series
ONE_EACH = 0.8  # of the rows are the only one of their series and time, at the least
FULL = 0.9  # of all series and times have a row: then a column of whole numbers names the series, whatever it is called
MOST_PARTS, MOST_KEYS = 4, 8  # columns that name a series together, and columns that are tried
FEWEST_STEPS = 3  # rows of a series that numbers or three and more columns name, on average
FEWEST_TIMES, PARTS_OF_TIME = 3, (4, 12, 24, 48, 52, 96)  # rows at each time that are quarters, months, hours, halves and quarters of hours
FEWEST_NAMED = 5  # rows that all have names of their own are no steps in time


def find_series(table, columns: Columns) -> str | None:
    """The column with the series that a row belongs to, where times repeat."""
    import polars as pl

    time, taken = columns.time, _taken(columns)
    if time is None or table[time].n_unique() == table.height:
        return None
    few = table[time].n_unique() > (1 - REPEATED_TIMES) * table.height  # such as a clock change repeats
    most = FEW_EMPTY * table.height  # cells that were forgotten: the reader names the row
    free = [n for n in table.columns if n not in taken and table[n].null_count() <= most and 1 < table[n].n_unique() < table.height]
    named = [n for n in free if n.lower() in SERIES_NAMES]
    worded = [n for n in free if SERIES_WORDS & set(name_words(n)) and (table[n].dtype == pl.String or table[n].dtype.is_integer())]
    texts = [n for n in free if table[n].dtype == pl.String and not mostly_numbers(table[n])]
    integers = [n for n in named if table[n].dtype.is_integer()]
    candidates = list(dict.fromkeys((*[n for n in named if n in texts], *integers, *worded, *texts)))
    candidates = [n for n in candidates if n in named] if few else candidates
    alone = [n for n in candidates if table.select(time, n).n_unique() >= ONE_EACH * table.height]
    if not alone and not few:
        alone = [n for n in free if _is_number(table, n) and _is_full(table, time, (n,))]
        alone = alone or [n for n in [series_of_restarts(table, time)] if n in free]
    return next(iter(alone or [n for n in candidates if n in (*texts, *integers)]), None)


def named_like_series(name: str) -> bool:
    """Whether a column is named like what has series of values: store, `product_id`, county."""
    return name.lower() in SERIES_NAMES or bool(SERIES_WORDS & set(name_words(name)))


def series_keys(table, columns: Columns) -> tuple[str, ...]:
    """The columns that name the series together (store and item), where no single one does; empty otherwise."""
    import polars as pl

    time = columns.time
    if columns.series or columns.layout in ("wide", "rows") or time is None or table[time].n_unique() > (1 - REPEATED_TIMES) * table.height:
        return ()
    taken = _taken(columns)
    free = [n for n in table.columns if n not in taken and not table[n].null_count() and 1 < table[n].n_unique() < table.height]
    keys = [n for n in free if table[n].dtype == pl.String or (table[n].dtype.is_integer() and named_like_series(n))]
    numbers = [n for n in free if n not in keys and _is_number(table, n)]
    if any(table.select(time, n).n_unique() >= ONE_EACH * table.height for n in keys) or any(_is_full(table, time, (n,)) for n in numbers):
        return ()
    for size in range(2, MOST_PARTS + 1):
        for parts in combinations(keys[:MOST_KEYS], size):
            enough = size == 2 or table.select(parts).n_unique() * FEWEST_STEPS <= table.height
            if enough and table.select(time, *parts).n_unique() >= ONE_EACH * table.height:
                return parts
        for parts in combinations((*keys, *numbers)[:MOST_KEYS], size):
            if _is_full(table, time, parts):
                return parts
    return ()


def _taken(columns: Columns) -> set[str | None]:
    return {columns.time, *columns.targets, *columns.past, *columns.future, *columns.static}


def _is_number(table, name: str) -> bool:
    """Whether a column may number series: whole numbers that are no part of a date."""
    return table[name].dtype.is_integer() and not table[name].null_count() and not ROLES.keys() & set(name_words(name))


def _is_full(table, time: str, parts: tuple[str, ...]) -> bool:
    """Whether there is just one row for each series that the columns name and each time, and hardly a pair of both without one."""
    series = table.select(parts).n_unique()
    full = FULL * series * table[time].n_unique() <= table.height
    return full and series * FEWEST_STEPS <= table.height and table.select(time, *parts).n_unique() == table.height


def check_repeated_times(table, columns: Columns, where: str) -> None:
    """Refuse a table with as many rows at every time as a year has months or a day has hours, of which nothing says what they are."""
    counts = table[columns.time].value_counts()["count"]
    if columns.layout is None and len(counts) >= FEWEST_TIMES and counts.min() == counts.max() and counts.max() in PARTS_OF_TIME:
        raise DataError(
            f"{where} has {counts.max()} rows at each of its {len(counts)} times in {columns.time!r}, and no column names the series or a "
            "part of the time that they belong to; name the series with data.series or the times with data.time, or set data.layout to "
            "'wide' to combine the rows as data.duplicates says."
        )


def series_of_restarts(table, name: str) -> str | None:
    """The column that names the series whose times rise one after the other: they begin anew where it has another value, and only there."""
    import polars as pl

    times = table[name]
    if times.null_count() or not times.dtype.is_numeric():
        return None
    new = times.diff().fill_null(0) < 0
    if not new.any() or (times.diff().fill_null(1) == 0).any():
        return None
    runs = int(new.sum()) + 1
    others = [n for n in table.columns if n != name and (table[n].dtype == pl.String or table[n].dtype.is_integer())]
    return next((n for n in others if table[n].n_unique() == runs and (table[n] != table[n].shift(1)).fill_null(False).equals(new)), None)


def has_rows(table, time: str | None) -> bool:
    """Whether each row is a series: names that differ, then numbers in columns that count the steps (d_1, d_2, …)."""
    import polars as pl

    if time is not None:
        return False
    column, counted = table[table.columns[0]], [name for name in table.columns[1:] if table[name].dtype != pl.String]
    stems = [re.fullmatch(r"(.*?)[_ ]?(\d+)", name) for name in counted]
    return (
        column.dtype == pl.String
        and column.n_unique() == table.height
        and len(counted) >= SHORTEST_ROWS
        and len({found and found[1] for found in stems}) == 1
        and all(found and int(found[2]) - i == int(stems[0][2]) for i, found in enumerate(stems))
    )


def check_named_rows(table, columns: Columns, where: str) -> None:
    """Refuse a table without times whose rows have names: its rows are things, not steps in time."""
    import polars as pl

    for name in table.columns if columns.layout is None and columns.series is None and table.height >= FEWEST_NAMED else ():
        cells = table[name]
        if cells.dtype != pl.String or cells.null_count() or cells.n_unique() < table.height or named_like_time(name):
            continue
        if cells.str.contains(r"\d").mean() < 0.5:
            raise DataError(
                f"{where} has no column of times, and each row has a name of its own in {name!r} (the first: {cells[0]!r}), as things have "
                "and steps in time do not; name the column of times with data.time, or set data.layout to 'rows' where the columns are "
                "steps in time, to 'wide' where the rows are."
            )
