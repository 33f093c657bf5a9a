"""What each column of a table is, from its training rows: a kind of `encoder.Column`, or dropped with the reason."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import polars as pl
from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.core.plurals import numbered
from applied_dl.io.cells import BOOLEAN, EITHER, as_levels, as_moments, is_mark, moment_style, serial_style, unsure
from applied_dl.io.dates import whole_form
from applied_dl.io.identifiers import LEAST_ROWS, TIMELY, is_identifier_name
from applied_dl.io.measures import learn_measures
from applied_dl.io.numbers import BOTH_MARKS, NumberFormat, find_sentinels, learn_format, read_numbers, read_units
from applied_dl.io.tables import Table
from applied_dl.tasks.tabular.encoder import PARTS, Column, TableEncoder, Target, input_name, moment_parts
from applied_dl.tasks.tabular.readers.codes import act_as_categories
from applied_dl.tasks.tabular.readers.texts import is_text, learn_names, learn_scores, learn_tags, tag_separator

BAD = 0.01  # share of the cells of a column of numbers or dates that may be neither
ONE_BAD = 20  # cells of a column among which one may be wrong
MOST_LEVELS = 1000
RARE = 2  # rows below which a level is not kept: its rows teach the code of levels never seen
ENOUGH = 200  # rows from which rare levels are dropped
NAMED = "named in the recipe"
DATED = re.compile(r"date|time|day|month|year|period|stamp|yyyy|^ds$|datum|monat|fecha", re.IGNORECASE)
YEAR = 366 * 86400  # seconds
DAY = re.compile(r"date|datum|fecha|(^|[_ ])day$", re.IGNORECASE)
SERIAL_NAMES = {"excel": "date of a spreadsheet"} | dict.fromkeys(("epoch", "epoch_ms", "epoch_us", "epoch_ns"), "time since 1970")


class Learned(NamedTuple):
    """Columns that a column of the table becomes, none where it is dropped for the `reason`; notes; and what replaces the encoded inputs of
    the training rows (out-of-fold scores of texts)."""

    columns: tuple[Column, ...] = ()
    reason: str = ""
    note: str = ""
    training: dict[str, np.ndarray] = {}


EMPTY = Learned(reason="empty")


class Known(NamedTuple):
    """What the understanding of a column may use: the training rows of the table, the recipe's data section, their targets (N, K)
    standardised or one-hot, class codes or None, the number of classes, and the names of inputs that are taken."""

    table: Table
    train: np.ndarray
    data: object
    y: np.ndarray
    codes: np.ndarray | None
    classes: int
    taken: set[str]


def learn_columns(
    table: Table, train: np.ndarray, data, targets: tuple[Target, ...], dropped: dict[str, str], y: np.ndarray, codes: np.ndarray | None
) -> tuple[TableEncoder, list[str], dict[str, np.ndarray]]:
    """The encoder of the feature columns by their training rows.

    Args:
        train: row numbers of the training part.
        dropped: columns that are left out already, with the reason.
        y: (N, K) targets of the training rows, standardised or one-hot.
        codes: (N,) class codes of the training rows; None for a regression.

    Returns:
        The encoder, notes for the user, and inputs that replace the encoded ones of the training rows.
    """
    columns, notes, training = [], [], {}
    dropped = dict(dropped)
    names = {target.name for target in targets}
    known = Known(table, train, data, y, codes, len(targets[0].labels), set())
    for name in table.columns:
        if name in names or name in dropped:
            continue
        if name in (data.group, data.order, *data.ignore):
            dropped[name] = NAMED
            continue
        found = _column(name, known)
        columns += found.columns
        training |= found.training
        if not found.columns:
            dropped[name] = found.reason
        notes += [f"column {name!r}: {found.note}"] if found.note else []
    target = ", ".join(one.name for one in targets)
    if not columns:
        reasons = "; ".join(f"{k!r} is {v}" for k, v in dropped.items())
        raise DataError(f"{table.source} has no usable feature beside the target {target!r}: {reasons}.")
    encoder = TableEncoder(columns=tuple(columns), targets=targets, dropped=dropped, decimal=data.decimal or table.decimal)
    return encoder, _loud(dropped, len(table.columns) - len(names)) + notes, training


def _loud(dropped: dict[str, str], features: int) -> list[str]:
    """One note on the dropped columns, marked as important where more than a third of the features are among them."""
    unasked = {name: reason for name, reason in dropped.items() if reason != NAMED}
    if not unasked:
        return []
    listed = "; ".join(f"{name!r} ({reason})" for name, reason in unasked.items())
    note = f"dropped: {listed}. data.numeric or data.categorical keep one"
    important = len(unasked) > features / 3 and features > 2
    return [f"IMPORTANT: {len(unasked)} of {features} columns are not used. {note[0].upper()}{note[1:]}" if important else note]


def check_named(table: Table, data, targets: tuple[str, ...]) -> None:
    """Raises `UsageError` for a column of the recipe that is not in the table, is a target, or is named twice."""
    roles: dict[str, str] = {}
    for key in ("numeric", "categorical", "ignore", "group", "order"):
        value = getattr(data, key)
        for name in (value,) if isinstance(value, str) else value or ():
            if name not in table.columns:
                raise UsageError(f"{table.source} has no column {name!r} (data.{key}).{nearest(name, table.columns)}")
            if name in targets:
                raise UsageError(f"data.{key} names {name!r}, which is the target; remove it there, or set data.target.")
            if name in roles:
                raise UsageError(f"data.{roles[name]} and data.{key} both name the column {name!r}; leave it in one of them.")
            roles[name] = key


def _column(name: str, known: Known) -> Learned:
    """What one column is."""
    table, data = known.table, known.data
    cells, mark = table.frame[name].gather(known.train), data.decimal or table.decimal
    filled = cells.drop_nulls()
    levels = filled.n_unique()
    forced = name in data.numeric or name in data.categorical
    if not len(filled):
        return EMPTY
    if levels == 1 and not cells.null_count():
        return EMPTY if is_mark(filled).all() else Learned(reason=f"constant {as_levels(filled)[0]!r}")
    if (form := _whole_dates(name, cells)) and not forced:
        return _moment(name, cells, form, known, f"{as_levels(filled)[0]!r} is read as a date; data.numeric reads numbers")
    if name in data.categorical:
        return EMPTY if is_mark(filled).all() else _category(name, as_levels(filled), known)
    form, share = learn_format(cells, mark)
    bare = share == 1.0 and not form.units
    if not forced and not bare and (found := _measures(name, cells, mark, share < 1 - BAD, known)):
        return found
    coded = filled.dtype == pl.String and filled.str.contains(r"^0\d+$").any()  # 00123 is a code, not 123
    values, wrong = read_numbers(cells, form)
    if not len(wrong) and not np.isfinite(values).any():  # every cell is a mark
        return EMPTY
    if name in data.numeric or (_few(wrong, filled) and not coded and np.isfinite(values).any()):
        plain = not form.units and not form.missing
        as_date = moment_style(cells) if not plain and not forced else None  # 3-4-2020 is no range
        if as_date is None or not _few(_wrong_moments(cells, as_date.form), filled):
            return _number(name, cells, values, wrong, form, known)
    if _booleans(filled):
        return Learned((Column(name=name, kind="boolean", inputs=(input_name(name, known.taken),), high=1.0),))
    found = moment_style(cells)
    missed = _wrong_moments(cells, found.form) if found else wrong
    if found and _few(missed, filled):
        note = _bad(table, cells, known.train, missed, "dates or times")
        return _moment(name, cells, found.form, known, note or (_either(filled, found.form) if found.guessed else ""))
    return _words(name, cells, filled, known, wrong, missed if found else None)


def _measures(name: str, cells: pl.Series, mark: str | None, one: bool, known: Known) -> Learned | None:
    """A column of several numbers in each cell; None where it is none, or the cells are dates."""
    found = learn_measures(cells, mark, one)
    if found is None:
        return None
    mark, form, positions = found
    dates = moment_style(cells) if not re.search(r"[x;+@|([]|of", form) else None
    if dates is not None and _few(_wrong_moments(cells, dates.form), cells.drop_nulls()):
        return None
    names = tuple(input_name(f"{name}_{position}", known.taken) for position in positions)
    column = Column(name=name, kind="measures", inputs=names, style=mark, separator=form, parts=positions)
    example = cells.drop_nulls()[0]
    return Learned((column,), note=f"{example!r} is read as {form.count('#')} numbers; data.categorical reads whole cells")


def _words(name: str, cells: pl.Series, filled: pl.Series, known: Known, wrong: np.ndarray, missed: np.ndarray | None) -> Learned:
    """A column of texts: lists, categories, sentences, or different texts that say nothing."""
    least = wrong if missed is None else min(wrong, missed, key=len)
    note = ""
    coded = filled.dtype == pl.String and filled.str.contains(r"^0\d+$").any()
    if 0 < len(least) < len(filled) / 2 and not coded:
        kind = "numbers" if missed is None or least is not missed else "dates or times"
        where = known.table.where(int(known.train[least[0]]))
        note = f"{1 - len(least) / len(filled):.0%} of its cells are {kind}, but not {as_levels(cells)[int(least[0])]!r} ({where})"
    texts, levels = as_levels(filled), filled.n_unique()
    many = levels > max(50, len(filled) // 2)
    if (separator := tag_separator(texts)) and (many or levels > 20):
        tags = learn_tags(texts, separator, RARE if len(cells) >= ENOUGH else 1)
        column = Column(name=name, kind="tags", inputs=(input_name(name, known.taken),), levels=tags, separator=separator)
        note = f"read as lists of {len(tags)} values separated by {separator!r}; data.categorical reads whole cells"
        return Learned((column,), note=note)
    if many or levels > MOST_LEVELS:
        classes = known.classes if known.codes is not None else 0
        found = (learn_scores if is_text(texts) else learn_names)(as_levels(cells), known.codes if classes else known.y, classes)
        if found is not None:
            model, scores = found
            column = Column(name=name, kind="text", inputs=(input_name(name, known.taken),), scores=model)
            parts = "words and groups of letters" if model.characters else "words and pairs of words"
            read = f"read as texts, by {len(model.terms):,} {parts}; data.categorical reads whole cells"
            return Learned((column,), note=f"{note}: {read}, data.numeric numbers" if note else read, training={column.inputs[0]: scores})
    if many:
        return Learned(reason=f"{levels} different texts in {len(filled)} rows" + (f"; {note}" if note else ""))
    found = _category(name, texts, known)
    if note:
        note += ": it is read as a category; correct it, or name it in data.numeric or data.categorical"
    return found._replace(note=note or found.note)


def _number(name: str, cells: pl.Series, values: np.ndarray, wrong: np.ndarray, form: NumberFormat, known: Known) -> Learned:
    """A column of numbers; a category where they are codes; dropped where they are an identifier."""
    filled, train, data = cells.drop_nulls(), known.train, known.data
    mark = data.decimal or known.table.decimal
    forced = name in data.numeric
    if not np.isfinite(values).any():
        raise DataError(f"Column {name!r} (data.numeric) holds no number; the first cell is {as_levels(filled)[0]!r}.")
    if not forced and _identifier(name, values, filled.n_unique(), len(filled)):
        return Learned(reason="an identifier: every value once")
    if not forced and not form.units and not len(wrong) and (serial := _serial(name, cells)):
        return _moment(
            name,
            cells,
            serial,
            known,
            f"{as_levels(filled)[0]!r} is read as a {SERIAL_NAMES.get(serial, 'year with decimals')}; data.numeric reads numbers",
        )
    if not form.units and not forced and _codes(values, known):
        found = _category(name, as_levels(cells.filter(pl.Series(np.isfinite(values)))), known)
        count = len(found.columns[0].levels) if found.columns else 0
        return found._replace(note=f"its {count} whole numbers act as codes and are read as categories; data.numeric reads numbers")
    notes = [_bad(known.table, cells, train, wrong, "finite numbers")]
    if not forced and (sentinels := find_sentinels(values)):
        form = replace(form, sentinels=sentinels)
        values = read_numbers(cells, form)[0]
        notes.append(f"{', '.join(f'{v:g}' for v in sentinels)} counts as missing; data.numeric keeps the number")
    if form.missing:
        notes.append(f"{', '.join(map(repr, form.missing))} counts as missing")
    if form.units:
        row = int(np.flatnonzero(np.isfinite(values))[0])
        notes.append(f"{as_levels(cells)[row]!r} is read as {values[row]:g}")
    elif form.style == EITHER:
        notes.append(BOTH_MARKS)
    elif not mark or form.style == "thousands":
        notes.append(unsure(cells, form.style))
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    column = Column(
        name=name, kind="number", inputs=(input_name(name, known.taken),), style=form.style, low=low, high=high,
        units=form.units, missing=form.missing, sentinels=form.sentinels,
    )  # fmt: skip
    apart = ()
    if form.units_apart:
        units = tuple(sorted(read_units(cells, form).drop_nulls().unique().to_list()))
        apart = (
            Column(name=name, kind="category", inputs=(input_name(f"{name}_unit", known.taken),), levels=units, of_unit=True,
                   style=form.style, units=form.units, missing=form.missing),
        )  # fmt: skip
        notes.append(f"its units {', '.join(map(repr, units))} are a feature of their own")
    return Learned((column, *apart), note="; ".join(note for note in notes if note))


def _codes(values: np.ndarray, known: Known) -> bool:
    present = np.isfinite(values)
    whole = values[present]
    if not len(whole) or whole.min() < 0 or not np.array_equal(whole, np.round(whole)):
        return False
    return act_as_categories(whole, known.y[present])


def _few(wrong: np.ndarray, filled: pl.Series) -> bool:
    return len(wrong) <= max(BAD * len(filled), len(filled) >= ONE_BAD)


def _bad(table: Table, cells: pl.Series, train: np.ndarray, wrong: np.ndarray, wanted: str) -> str:
    if not len(wrong):
        return ""
    first = f"{as_levels(cells)[int(wrong[0])]!r} in {table.where(int(train[wrong[0]]))}"
    return f"{numbered(len(wrong), 'cell', 'cells')} cannot be read as {wanted}: taken as empty (the first: {first})"


def _booleans(filled: pl.Series) -> bool:
    marks = is_mark(filled)
    words = filled.filter(~marks) if marks.any() else filled
    return {BOOLEAN.get(level.lower()) for level in as_levels(words.unique())} == {0.0, 1.0}


def _wrong_moments(cells: pl.Series, form: str) -> np.ndarray:
    wrong = as_moments(cells, form)[1]
    return wrong[~is_mark(cells[wrong]).to_numpy()] if len(wrong) else wrong


def _whole_dates(name: str, cells: pl.Series) -> str | None:
    """The form of whole numbers that are dates: 20240131, and 202401 under a name such as month."""
    if cells.dtype == pl.String and not cells.drop_nulls().head(ENOUGH).str.contains(r"^\d{6}(\d\d)?$").all():
        return None
    if not (cells.dtype == pl.String or cells.dtype.is_integer()):
        return None
    form = whole_form(cells)
    return form if form == "%Y%m%d" or DATED.search(name) else None


def _serial(name: str, cells: pl.Series) -> str | None:
    """The style of a column of numbers that are moments; a day number of a spreadsheet only under a name such as date."""
    if not DATED.search(name):
        return None
    style = serial_style(cells)
    return style if style != "excel" or DAY.search(name) else None


def _either(filled: pl.Series, form: str) -> str:
    order = "month, then day" if form.startswith("%m") else "day, then month"
    return f"{filled[0]!r} is read as {order}, and no cell decides it; write dates as 2024-01-31 where that is wrong"


def _identifier(name: str, values: np.ndarray, levels: int, rows: int) -> bool:
    whole = np.isfinite(values).all() and np.array_equal(values, np.round(values))
    if levels != rows or not whole or rows < LEAST_ROWS:
        return False
    steps = np.diff(np.sort(values))
    rising = bool((np.diff(values) > 0).all() and steps.max() <= 3 * np.median(steps))
    return is_identifier_name(name) or (rising and not TIMELY.search(name))


def _moment(name: str, cells: pl.Series, style: str, known: Known, note: str) -> Learned:
    seconds, _ = as_moments(cells, style)
    origin = float(np.nanmin(seconds))
    varying = [part for part, values in zip(PARTS, moment_parts(seconds, origin, PARTS)) if len(np.unique(values[~np.isnan(values)])) > 1]
    if float(np.nanmax(seconds)) - origin < YEAR and {"month", "day"} & set(varying):  # within a year, trend and season are one, and the
        varying = [part for part in varying if part not in ("days", "year")]  # next one would be far from every row
    parts = tuple(varying) or ("days",)
    names = tuple(input_name(f"{name}_{part}", known.taken) for part in parts)
    return Learned((Column(name=name, kind="moment", inputs=names, style=style, parts=parts, origin=origin),), note=note)


def _category(name: str, filled: pl.Series, known: Known) -> Learned:
    counted = filled.value_counts(sort=True)
    least = RARE if len(known.train) >= ENOUGH else 1
    kept = [level for level, count in counted.rows() if count >= least][:MOST_LEVELS]
    if not kept:
        merged = "; if its empty cells mean the text above them, fill it down" if len(filled) < len(known.train) / 2 else ""
        return Learned(reason=f"{len(counted)} different texts, each once{merged}")
    rare = len(counted) - len(kept)
    note = f"{rare} of {len(counted)} levels are rare and read as unknown" if rare > len(counted) / 2 else ""
    return Learned((Column(name=name, kind="category", inputs=(input_name(name, known.taken),), levels=tuple(sorted(kept))),), note=note)
