"""A table → encoded parts: targets and columns understood, rows split, copies kept together, everything learned from training rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.plurals import numbered
from applied_dl.core.records import Part, Prepared
from applied_dl.core.splits import split_parts, units_of
from applied_dl.core.stored import with_stored
from applied_dl.io.cells import as_levels
from applied_dl.io.extra_rows import extra_rows, notes_of
from applied_dl.io.identifiers import copy_keys, row_numbers
from applied_dl.io.nested import with_object_names
from applied_dl.io.numbers import learn_format
from applied_dl.io.tables import Table, join, read_table
from applied_dl.tasks.tabular.encoder import TableEncoder, Target, encode, read_targets
from applied_dl.tasks.tabular.readers.columns import check_named, learn_columns
from applied_dl.tasks.tabular.readers.held import Sampled, held_out
from applied_dl.tasks.tabular.readers.large import Stored, is_large, sample, store
from applied_dl.tasks.tabular.readers.leaks import find_leaks, sorted_by_target
from applied_dl.tasks.tabular.readers.order import order_form, order_values
from applied_dl.tasks.tabular.readers.target import aligned_labels, learn_target, similar_labels, target_columns
from applied_dl.tasks.tabular.readers.target_scale import prefers_log

NAMES = ("train", "validation", "test")
FEWEST = 10  # rows with a target
SHOWN = 5  # wrong cells that a note lists


class TabularState(Struct, frozen=True, kw_only=True):
    """How the target is learned: `log`, on a logarithmic scale; `least`, the lower bound of predictions and intervals.

    `units` (N,) are ids of the training, the validation and then the test rows; rows of one id (copies, a patient) belong together.
    `stored` are the training rows of a table larger than memory, of which the training part is a sample.
    """

    log: bool = False
    least: float | None = None
    units: np.ndarray | None = None
    stored: Stored | None = None


def prepare_table(recipe, cache: Path) -> Prepared:
    """Read, understand, split and encode what the data section of the recipe names; `cache` keeps the arrays of large tables."""
    data = recipe.data
    tables, sampled = _tables(data, recipe.train.seed)
    given = list(tables)
    table, place = _joined(tables)
    table = with_object_names(table)
    names = target_columns(table, data.target)
    check_named(table, data, names)
    _check_split(data, given)
    extra = extra_rows(table)
    kept = _others(table, extra)
    table, place = table.take(kept), place[kept]
    table, place, notes = _with_targets(table, place, names)
    notes = notes_of(extra) + notes
    decimal = data.decimal or table.decimal
    targets, more = _learn_targets(table, place, given, names, data.kind, decimal)
    truth = read_targets(TableEncoder(columns=(), targets=targets, decimal=decimal), table)
    table, place, truth = _known_rows(table, place, truth)
    dropped = _row_numbers(table, data, names)
    rows, units, copies, repeats = _split(recipe, table, place, given, truth, targets, dropped)
    _check_classes(truth, rows, targets)
    train = rows["train"]
    y, codes = training_targets(truth[train], targets)
    encoder, found, training = learn_columns(table, train, data, targets, dropped, y, codes)
    cells = encode(encoder, table)
    inputs = dict(cells.inputs)
    for name, scores in training.items():
        inputs[name] = inputs[name].copy()
        inputs[name][train, : scores.shape[1]] = scores
    parts = {name: Part(inputs={k: v[at] for k, v in inputs.items()}, target=truth[at]) for name, at in rows.items()}
    encoder = replace(encoder, typical=_typical(parts["train"].inputs))
    notes += more + found + _remembers(recipe.model) + _wrong(cells.errors) + _rare_classes(truth[train], targets[0].labels)
    notes += sorted_by_target(targets, truth, place, data.order)
    notes += find_leaks(encoder, parts["train"].inputs, parts["train"].target)
    state = replace(_state(recipe, encoder, parts), units=units[np.concatenate([rows[name] for name in NAMES])])
    notes += [
        "the target spans orders of magnitude and is learned on a logarithmic scale; preprocess.target = 'plain' learns it as it is"
    ] * (state.log and recipe.preprocess.target is None)
    pieces = (array for part in parts.values() for array in (*part.inputs.values(), part.target))
    key = fingerprint(*pieces, *targets[0].labels, names[0] if len(names) == 1 else list(names))
    notes.sort(key=lambda note: not note.startswith("IMPORTANT"))
    prepared = Prepared(
        encoder=encoder, **parts, fingerprint=key, facts=_facts(encoder, table, parts, copies, repeats), warnings=notes, state=state
    )
    if sampled is None:
        return prepared
    held = np.concatenate([rows["validation"], rows["test"]])
    kept_out = held_out(sampled, table, held[place[held] == 0], _left_out(table.frame, data, dropped, targets), data)
    stored, notes = store(data.train or data.source, data, prepared, kept_out, cache, recipe.train.seed)
    return with_stored(prepared, sampled.rows, stored, "columns, levels and bins", data.sample_rows, notes)


def _typical(inputs: dict[str, np.ndarray]) -> dict[str, float]:
    """The median of each input of one number, of codes the most frequent one; without inputs that are empty everywhere."""
    found = {}
    for name, values in inputs.items():
        if values.dtype == np.int32:
            found[name] = float(np.bincount(values).argmax())
        elif values.ndim == 1 and not np.isnan(values).all():
            found[name] = float(np.nanmedian(values))
    return found


def read_part(encoder: TableEncoder, source: str, data) -> Part:
    """The rows and targets of another table through the fitted encoder; rows without a target are left out."""
    table = read_table(source, data.separator, data.header, data.sheet)
    extra = extra_rows(table)
    table = table.take(_others(table, extra))
    truth = read_targets(encoder, table)
    cells = encode(encoder, table)
    known = _known(truth)
    if not known.any():
        raise DataError(f"{table.source}: no row has a {encoder.target!r}, the target; expected targets to score against.")
    warnings = notes_of(extra) + cells.notes + _wrong(cells.errors)
    warnings += (
        [f"{numbered(int((~known).sum()), 'row without a target is', 'rows without a target are')} not scored"] if not known.all() else []
    )
    return Part(inputs={name: values[known] for name, values in cells.inputs.items()}, target=truth[known], warnings=warnings)


def _tables(data, seed: int) -> tuple[dict[str, Table], Sampled | None]:
    """The tables by part, and the sample that stands for a large training file."""
    if not (data.train or data.validation or data.test):
        paths = {"all": data.source}
    elif not data.train:
        raise DataError("data.test or data.validation is given without data.train; name the training file too, or only data.source.")
    else:
        paths = {name: path for name in NAMES if (path := getattr(data, name))}
    sampled = {name: sample(path, data, seed) for name, path in paths.items() if is_large(path, data)}
    read = lambda path: read_table(path, data.separator, data.header, data.sheet)  # noqa: E731
    tables = {name: sampled[name].table if name in sampled else read(path) for name, path in paths.items()}
    return tables, sampled.get("all", sampled.get("train"))


def _joined(tables: dict[str, Table]) -> tuple[Table, np.ndarray]:
    first = next(iter(tables.values()))
    for table in tables.values():
        if set(table.columns) != set(first.columns):
            other = sorted(set(table.columns) ^ set(first.columns))
            raise DataError(f"{table.source} and {first.source} have different columns: {', '.join(map(repr, other[:10]))}.")
    return join(list(tables.values())), np.repeat(np.arange(len(tables)), [len(table) for table in tables.values()])


def _others(table: Table, rows: dict[int, str]) -> np.ndarray:
    """The numbers of all other rows."""
    return np.setdiff1d(np.arange(len(table)), list(rows))


def _with_targets(table: Table, place: np.ndarray, names: tuple[str, ...]) -> tuple[Table, np.ndarray, list[str]]:
    """Without the rows that lack a target."""
    target = ", ".join(names)
    known = np.flatnonzero(np.all([table.frame[name].is_not_null().to_numpy() for name in names], axis=0))
    if len(known) < FEWEST:
        raise DataError(f"{table.source} has {len(known)} rows with a {target!r}; expected at least {FEWEST}.")
    if len(known) == len(table):
        return table, place, []
    return table.take(known), place[known], [f"{len(table) - len(known)} of {len(table)} rows have no {target!r} and are left out"]


def _learn_targets(table: Table, place, given, names, kind, decimal) -> tuple[tuple[Target, ...], list[str]]:
    """The targets, learned from the training file where there is one, and notes."""
    targets, notes = [], []
    own = table.frame if given == ["all"] else table.frame.filter(pl.Series(place == 0))
    for name in names:
        if len(names) > 1 and (kind == "classification" or learn_format(own[name], decimal)[1] < 1.0):
            raise UsageError(f"several targets (data.target) must be numbers, and {name!r} is not; train one model for each such column.")
        found, more = learn_target(own[name], kind if len(names) == 1 else "regression", decimal)
        if len(names) > 1 and kind is None and (alone := learn_target(own[name], None, decimal)[0].labels):
            notes.append(
                f"IMPORTANT: target {name!r} looks like {len(alone)} classes ({', '.join(alone[:5])}); among several targets it is learned "
                "as a number. For probabilities, train a model for it alone"
            )
        notes += more + (similar_labels(name, found.labels) if found.labels else [])
        if found.labels and given != ["all"]:
            notes += aligned_labels(table, place, name, found.labels, given)
        targets.append(found)
    return tuple(targets), notes


def _known(truth: np.ndarray) -> np.ndarray:
    """(N,) whether every target of a row is known."""
    known = truth >= 0 if truth.dtype.kind == "i" else ~np.isnan(truth)
    return known if known.ndim == 1 else known.all(1)


def _known_rows(table: Table, place: np.ndarray, truth: np.ndarray) -> tuple[Table, np.ndarray, np.ndarray]:
    """Without rows whose target is a mark that means missing."""
    known = np.flatnonzero(_known(truth))
    if len(known) == len(table):
        return table, place, truth
    if len(known) < FEWEST:
        raise DataError(f"{table.source} has {len(known)} rows with a target; expected at least {FEWEST}.")
    return table.take(known), place[known], truth[known]


def _row_numbers(table: Table, data, names) -> dict[str, str]:
    """Saved row numbers, unless the recipe names the column, or nothing would be left."""
    named = {*data.numeric, *data.categorical, *data.ignore, data.group, data.order, *names}
    found = {name: reason for name, reason in row_numbers(table).items() if name not in named}
    return found if len(found) + len(set(names)) < len(table.columns) else {}


def _check_split(data, given: list[str]) -> None:
    """Raises `UsageError` where a part would come from nowhere, or two keys decide the split."""
    if data.group and data.order:
        raise UsageError("data.group and data.order both decide which rows are for training; give one of them.")
    for name, share in zip(NAMES, data.split):
        if share <= 0 and name not in given:
            raise UsageError(f"data.split has no share for {name}, received {list(data.split)}; give it one, or a file (data.{name}).")


def _split(recipe, table: Table, place, given, truth, targets, dropped) -> tuple[dict[str, np.ndarray], np.ndarray, int, int]:
    """Row numbers by part, an id (N,) that rows which belong together share, how many rows are copies, how many repeat one by chance."""
    data, frame = recipe.data, table.frame
    for i, name in enumerate(given):
        if not (place == i).any():
            raise DataError(f"The {name} file has no row with a target; correct it, or remove data.{name}.")
    keys, copies, repeats = copy_keys(frame.drop(list(_left_out(frame, data, dropped, targets))))
    groups = as_levels(frame[data.group]).fill_null("").to_numpy().astype(str) if data.group else None
    order = None
    if data.order:
        order = order_values(frame[data.order], table.source, order_form(frame[data.order], data.decimal or table.decimal))
    strata = truth if targets[0].labels else None
    part = np.array(given)[place]
    rows = split_parts(part, data.split, recipe.train.seed, strata=strata, groups=groups, order=order, keys=keys)
    return rows, units_of(len(part), groups, keys), copies, repeats


def _left_out(frame: pl.DataFrame, data, dropped: dict[str, str], targets: tuple[Target, ...]) -> set[str]:
    """Columns in which copies of a row may differ."""
    return {*dropped, *data.ignore, data.group, data.order, *_unique_texts(frame, targets)} - {None}


def _unique_texts(frame: pl.DataFrame, targets: tuple[Target, ...]) -> list[str]:
    """Columns of different texts or whole numbers: names and identifiers, which make copies look different."""
    found = []
    for cells in frame:
        if cells.name in {target.name for target in targets} or not (cells.dtype == pl.String or cells.dtype.is_integer()):
            continue
        if cells.dtype == pl.String and _has_decimals(cells):
            continue
        if cells.n_unique() == len(cells):
            found.append(cells.name)
    return found


def _has_decimals(cells: pl.Series) -> bool:
    """Whether a column of texts is mostly numbers that are not all whole."""
    numbers = cells.cast(pl.Float64, strict=False)
    return numbers.null_count() < len(cells) / 2 and not cells.drop_nulls().str.contains(r"^\d+$").all()


def _check_classes(truth: np.ndarray, rows: dict[str, np.ndarray], targets: tuple[Target, ...]) -> None:
    """Raises `DataError` where the training part has one class only, or the test part a class that the training part lacks entirely."""
    labels = targets[0].labels
    if not labels:
        return
    counts = np.bincount(truth[rows["train"]], minlength=len(labels))
    if (counts > 0).sum() < 2:
        raise DataError(
            f"The training rows hold only the class {labels[int(counts.argmax())]!r} of {targets[0].name!r}; a classifier needs at least "
            "two. Check data.order, data.group or data.train."
        )


def training_targets(truth: np.ndarray, targets: tuple[Target, ...]) -> tuple[np.ndarray, np.ndarray | None]:
    """(N, K) one-hot or standardised, on the rank scale where the values are heavy-tailed; and class codes or None."""
    if targets[0].labels:
        return np.eye(len(targets[0].labels))[truth], truth
    y = truth.reshape(len(truth), -1)
    y = np.where((y > 0).all(0), np.log(np.maximum(y, 1e-300)), y) if (y > 0).all() and _spread(y) else y
    return (y - y.mean(0)) / np.where(y.std(0) > 0, y.std(0), 1.0), None


def _spread(y: np.ndarray) -> bool:
    return bool(np.log(y).std(0).max() > 1.0)


def _state(recipe, encoder: TableEncoder, parts: dict[str, Part]) -> TabularState:
    """How the target is learned."""
    wanted = recipe.preprocess.target
    if encoder.labels or len(encoder.targets) > 1:
        if wanted == "log":
            raise UsageError("preprocess.target = 'log' is for one target that is a number; remove it.")
        return TabularState()
    y = parts["train"].target
    least = 0.0 if y.min() >= 0 and np.array_equal(y, np.round(y)) and y.max() <= 50 else None
    if wanted == "log" and y.min() <= 0:
        raise UsageError(f"preprocess.target = 'log' needs positive targets; {encoder.target!r} has {y.min():g}.")
    if wanted is not None:
        return TabularState(log=wanted == "log", least=least)
    x, held = (_matrix(parts[name].inputs) for name in ("train", "validation"))
    return TabularState(log=prefers_log(x, y, held, parts["validation"].target), least=least)


def _matrix(inputs: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([values.reshape(len(values), -1).astype(np.float64) for values in inputs.values()], axis=1)


def _wrong(errors: dict[int, str]) -> list[str]:
    shown = [errors[row] for row in sorted(errors)[:SHOWN]]
    more = [f"and {len(errors) - SHOWN} more rows"] if len(errors) > SHOWN else []
    return [f"{numbered(len(errors), 'row has', 'rows have')} cells that count as empty: " + " ".join(shown + more)] if errors else []


def _remembers(model) -> list[str]:
    if "retrieval" not in (model.name, *(model.members or ())) and not model.memory:
        return []
    what = "the exported files hold" if model.name == "retrieval" else "where 'retrieval' gets a weight, the exported files hold"
    return [f"{what} training rows (embedded) with their targets: share them as you would share the table"]


def _rare_classes(truth: np.ndarray, labels: tuple[str, ...]) -> list[str]:
    if not labels:
        return []
    counts = np.bincount(truth, minlength=len(labels))
    few = [f"{labels[i]!r} ({counts[i]})" for i in np.flatnonzero(counts < 3)]
    lost = "IMPORTANT: " if (counts == 0).any() else ""
    return [f"{lost}classes with fewer than 3 training rows: {', '.join(few[:20])}"] if few else []


def _facts(encoder: TableEncoder, table: Table, parts: dict[str, Part], copies: int, repeats: int) -> dict:
    names = ("number", "measures", "boolean", "category", "moment", "tags", "text")
    kinds = {kind: sum(c.kind == kind for c in encoder.columns) for kind in names}
    plural = {"category": "categories", "tags": "lists", "measures": "columns of several numbers"}
    single = {"tags": "list", "measures": "column of several numbers"}
    counted = ", ".join(f"{n} {single.get(k, k) if n == 1 else plural.get(k, k + 's')}" for k, n in kinds.items() if n)
    what = f"{len(encoder.labels)} classes of {encoder.target!r}" if encoder.labels else f"{encoder.target!r} as a number"
    if len(encoder.targets) > 1:
        what = f"{len(encoder.targets)} targets"
    empty = float(np.mean([np.mean(v == 1) if v.dtype == np.int32 else np.mean(np.isnan(v)) for v in parts["train"].inputs.values()]))
    return {
        "summary": f"{len(table):,} rows, {counted}, {what}" + (f", {copies} exact duplicates" if copies else ""),
        "rows": len(table),
        "target": encoder.target,
        "columns": {c.name: c.kind for c in encoder.columns if not c.of_unit},
        "inputs": {
            name: [i for c in encoder.columns if c.name == name for i in c.inputs] for name in {c.name: None for c in encoder.columns}
        },
        "empty_cells": round(empty, 4),
        "duplicates": copies,
        **({"natural_repeats": repeats} if repeats else {}),
        "dropped": encoder.dropped,
    }
