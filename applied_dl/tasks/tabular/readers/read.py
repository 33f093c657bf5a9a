"""A table → encoded parts: targets and columns understood, rows split, copies kept together, everything learned from training rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.plurals import numbered
from applied_dl.core.records import Part, Prepared
from applied_dl.core.stored import with_stored
from applied_dl.io.extra_rows import extra_rows, notes_of
from applied_dl.io.identifiers import is_identifier_name, row_numbers
from applied_dl.io.nested import with_object_names
from applied_dl.io.tables import Table, join, read_table
from applied_dl.tasks.tabular.columns import TableEncoder
from applied_dl.tasks.tabular.encoder import encode, read_targets
from applied_dl.tasks.tabular.readers.columns import check_named, learn_columns
from applied_dl.tasks.tabular.readers.facts import facts, rare_classes, remembers, wrong_cells
from applied_dl.tasks.tabular.readers.held import Sampled, held_out
from applied_dl.tasks.tabular.readers.large import Stored, is_large, sample, store
from applied_dl.tasks.tabular.readers.leaks import find_leaks, sorted_by_target
from applied_dl.tasks.tabular.readers.parts import NAMES, check_classes, check_split, left_out, named_parts, parts_with_rows, split_table
from applied_dl.tasks.tabular.readers.repeated import repeated_units
from applied_dl.tasks.tabular.readers.target import guessed_target, target_columns
from applied_dl.tasks.tabular.readers.target_scale import is_skewed, prefers_log
from applied_dl.tasks.tabular.readers.truth import has_target, known_rows, learn_targets, training_targets, with_targets


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
    split = named_parts(table, data)
    splits = split is not None and given == ["all"] and sampled is None and not (data.group or data.order)
    names = target_columns(table, data.target, split.column if split else None)
    check_named(table, data, names)
    if split is not None and splits:
        given, place = split.given, split.place
    check_split(data, given)
    extra = extra_rows(table)
    kept = _others(table, extra)
    table, place = table.take(kept), place[kept]
    decimal, guess = data.decimal or table.decimal, guessed_target(table, data.target, names)
    try:
        table, place, notes = with_targets(table, place, names)
        if split is not None and splits:
            given, place = parts_with_rows(split, place, names[0])
        targets, more = learn_targets(table, place, given, names, data.kind, decimal)
    except DataError as error:
        raise DataError(f"{error} ({guess})" if guess else str(error)) from error
    notes = notes_of(extra) + [f"IMPORTANT: {guess}" if is_identifier_name(names[0]) else guess] * bool(guess) + notes
    truth = read_targets(TableEncoder(columns=(), targets=targets, decimal=decimal), table)
    table, place, truth = known_rows(table, place, truth)
    dropped = saved_row_numbers(table, data, names)
    if split is not None:
        other = "which split a table larger than memory as files: data.train, data.test" if sampled else "and the recipe splits otherwise"
        dropped[split.column] = (
            f"its parts split the rows, unless data.ignore = [{split.column!r}]" if splits else f"it names parts, {other}"
        )
    rows, units, copies, repeats = split_table(recipe, table, place, given, truth, targets, dropped)
    check_classes(truth, rows, targets)
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
    notes += more + found + remembers(recipe.model) + wrong_cells(cells.errors) + rare_classes(truth[train], targets[0].labels)
    notes += sorted_by_target(targets, truth, place, data.order)
    notes += repeated_units(table.frame, encoder) if given == ["all"] and not (data.group or data.order) else []
    notes += find_leaks(encoder, parts["train"].inputs, parts["train"].target)
    state = replace(_state(recipe, encoder, parts), units=units[np.concatenate([rows[name] for name in NAMES])])
    notes += [
        "the target spans orders of magnitude and is learned on a logarithmic scale; preprocess.target = 'plain' learns it as it is"
    ] * (state.log and recipe.preprocess.target is None)
    pieces = (array for part in parts.values() for array in (*part.inputs.values(), part.target))
    key = fingerprint(*pieces, *targets[0].labels, names[0] if len(names) == 1 else list(names))
    notes.sort(key=lambda note: not note.startswith("IMPORTANT"))
    prepared = Prepared(
        encoder=encoder, **parts, fingerprint=key, facts=facts(encoder, table, parts, copies, repeats), warnings=notes, state=state
    )
    if sampled is None:
        return prepared
    held = np.concatenate([rows["validation"], rows["test"]])
    kept_out = held_out(sampled, table, held[place[held] == 0], left_out(table.frame, data, dropped, targets), data)
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
    known = has_target(truth)
    if not known.any():
        raise DataError(f"{table.source}: no row has a {encoder.target!r}, the target; expected targets to score against.")
    warnings = notes_of(extra) + cells.notes + wrong_cells(cells.errors)
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


def saved_row_numbers(table: Table, data, names) -> dict[str, str]:
    """Saved row numbers, unless the recipe names the column, or nothing would be left."""
    named = {*data.numeric, *data.categorical, *data.ignore, data.group, data.order, *names}
    found = {name: reason for name, reason in row_numbers(table).items() if name not in named}
    if len(found) + len(set(names)) < len(table.columns):
        return found
    return {name: reason for name, reason in found.items() if is_identifier_name(name)}


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
    held = parts["validation"]
    log = prefers_log(parts["train"].inputs, y, held.inputs, held.target)
    return TabularState(log=log, least=0.0 if not log and is_skewed(y) else least)
