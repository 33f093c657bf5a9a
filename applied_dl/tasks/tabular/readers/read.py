"""A table → encoded parts: target and columns understood, rows split, twins on one side, everything learned from training rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from applied_dl.core.errors import DataError, UsageError
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.records import Part, Prepared
from applied_dl.core.splits import split_rows
from applied_dl.io.cells import as_levels, as_moments, as_numbers, moment_style, number_style
from applied_dl.io.tables import Table, join, read_table
from applied_dl.tasks.tabular.encoder import TableEncoder, encode, read_target
from applied_dl.tasks.tabular.readers.columns import check_named, learn_columns, learn_target, target_column

NAMES = ("train", "validation", "test")
FEWEST = 10
SHOWN = 5  # of the wrong cells


def prepare_table(recipe) -> Prepared:
    """Read, understand, split and encode what the recipe's data section names."""
    data = recipe.data
    tables = _tables(data)
    table, place = _joined(tables)
    target = target_column(table, data.target)
    check_named(table, data, target)
    _check_split(data, list(tables))
    table, place, notes = _with_target(table, place, target)
    style, labels = learn_target(table.frame[target], data.kind, data.decimal or table.decimal)
    truth = read_target(TableEncoder(columns=(), target=target, labels=labels, style=style, decimal=data.decimal or table.decimal), table)
    aside = learn_columns(table, np.arange(len(table)), data, target, labels, style)[0].set_aside  # no id makes equal rows unequal
    rows, twins = _split(recipe, table, place, list(tables), truth, labels, aside)
    encoder, found = learn_columns(table, rows["train"], data, target, labels, style)
    cells = encode(encoder, table)
    notes += found + _remembers(recipe.model) + _wrong(cells.errors) + _classes(truth[rows["train"]], labels)
    parts = {name: Part(inputs={k: v[at] for k, v in cells.inputs.items()}, target=truth[at]) for name, at in rows.items()}
    told = fingerprint(*(a for part in parts.values() for a in (*part.inputs.values(), part.target)), *labels, target)
    return Prepared(encoder=encoder, **parts, fingerprint=told, facts=_facts(encoder, table, parts, twins), warnings=notes)


def read_part(encoder: TableEncoder, source: str, data) -> Part:
    """Another table's rows and truths through the fitted encoder; rows without a truth are left out."""
    table = read_table(source, data.separator, data.header)
    truth = read_target(encoder, table)
    cells = encode(encoder, table)
    known = truth >= 0 if encoder.labels else ~np.isnan(truth)
    if not known.any():
        raise DataError(f"{table.source}: no row has a {encoder.target!r}, the target; expected truths to score against.")
    warnings = (
        cells.notes + _wrong(cells.errors) + ([f"{int((~known).sum())} rows without a target are not scored"] if not known.all() else [])
    )
    return Part(inputs={name: values[known] for name, values in cells.inputs.items()}, target=truth[known], warnings=warnings)


def _tables(data) -> dict[str, Table]:
    if not (data.train or data.validation or data.test):
        return {"all": read_table(data.source, data.separator, data.header)}
    if not data.train:
        raise DataError("data.test or data.validation is given without data.train; name the training file too, or only data.source.")
    return {name: read_table(path, data.separator, data.header) for name in NAMES if (path := getattr(data, name))}


def _joined(tables: dict[str, Table]) -> tuple[Table, np.ndarray]:
    first = next(iter(tables.values()))
    for table in tables.values():
        if set(table.columns) != set(first.columns):
            other = sorted(set(table.columns) ^ set(first.columns))
            raise DataError(f"{table.source} and {first.source} have different columns: {', '.join(map(repr, other[:10]))}.")
    return join(list(tables.values())), np.repeat(np.arange(len(tables)), [len(table) for table in tables.values()])


def _with_target(table: Table, place: np.ndarray, target: str) -> tuple[Table, np.ndarray, list[str]]:
    known = np.flatnonzero(table.frame[target].is_not_null().to_numpy())
    if len(known) < FEWEST:
        raise DataError(f"{table.source} has {len(known)} rows with a {target!r}; expected at least {FEWEST}.")
    if len(known) == len(table):
        return table, place, []
    return table.take(known), place[known], [f"{len(table) - len(known)} of {len(table)} rows have no {target!r} and are left out"]


def _check_split(data, names: list[str]) -> None:
    """Raises `UsageError` where a part would come from nowhere, or the split has two masters."""
    if data.group and data.order:
        raise UsageError("data.group and data.order both decide which rows train and which judge; give one of them.")
    for name, share in zip(NAMES, data.split):
        if share <= 0 and name not in names:
            raise UsageError(f"data.split has no share for {name}, received {list(data.split)}; give it one, or a file (data.{name}).")


def _split(recipe, table: Table, place, names, truth, labels, aside) -> tuple[dict[str, np.ndarray], int]:
    data, frame = recipe.data, table.frame
    keys = frame.drop(list(aside)).hash_rows(seed=0).to_numpy()
    groups = as_levels(frame[data.group]).fill_null("").to_numpy().astype(str) if data.group else None
    order = _order(frame[data.order], table.source, data.decimal or table.decimal) if data.order else None
    strata = truth if labels else None
    twins = len(keys) - len(np.unique(keys))
    if names == ["all"]:
        split = split_rows(len(truth), data.split, recipe.train.seed, strata=strata, groups=groups, order=order, keys=keys)
        return dict(zip(NAMES, split[:3])), twins
    given = {name: np.flatnonzero(place == i) for i, name in enumerate(names)}
    shares = np.array([1.0 if name == "train" or name not in given else 0.0 for name in NAMES]) * np.asarray(data.split)
    if shares[1:].sum() == 0:
        return given, twins
    own = given["train"]
    some = lambda a: None if a is None else a[own]  # noqa: E731
    cut = split_rows(
        len(own), shares / shares.sum(), recipe.train.seed, strata=some(strata), groups=some(groups), order=some(order), keys=keys[own]
    )
    return {name: given[name] if name in given and name != "train" else own[at] for name, at in zip(NAMES, cut[:3])}, twins


def _order(cells: pl.Series, source: str, mark: str | None) -> np.ndarray:
    style, share = number_style(cells, mark)
    values = as_numbers(cells, style)[0] if share == 1.0 else None
    if values is None and (found := moment_style(cells)):
        values = as_moments(cells, found.form)[0]
    if values is None or np.isnan(values).any():
        raise DataError(f"{source}: the column {cells.name!r} (data.order) must hold a number or a date in every row.")
    return values


def _wrong(errors: dict[int, str]) -> list[str]:
    shown = [errors[row] for row in sorted(errors)[:SHOWN]]
    more = [f"and {len(errors) - SHOWN} more rows"] if len(errors) > SHOWN else []
    return [f"{len(errors)} rows have cells that count as empty: " + " ".join(shown + more)] if errors else []


def _remembers(model) -> list[str]:
    if "retrieval" not in (model.name, *(model.members or ())) and model.memory is None:
        return []
    sure = "the exported files hold" if model.name == "retrieval" else "where 'retrieval' earns a weight, the exported files hold"
    return [f"{sure} training rows (embedded) with their targets: share them as you would the table"]


def _classes(truth: np.ndarray, labels: tuple[str, ...]) -> list[str]:
    if not labels:
        return []
    counts = np.bincount(truth, minlength=len(labels))
    few = [f"{labels[i]!r} ({counts[i]})" for i in np.flatnonzero(counts < 3)]
    return [f"classes with fewer than 3 training rows: {', '.join(few[:20])}"] if few else []


def _facts(encoder: TableEncoder, table: Table, parts: dict[str, Part], twins: int) -> dict:
    kinds = {kind: sum(c.kind == kind for c in encoder.columns) for kind in ("number", "boolean", "category", "moment")}
    told = ", ".join(f"{n} {kind if n == 1 else {'category': 'categories'}.get(kind, kind + 's')}" for kind, n in kinds.items() if n)
    what = f"{len(encoder.labels)} classes of {encoder.target!r}" if encoder.labels else f"{encoder.target!r} as a number"
    empty = float(np.mean([np.mean(v == 1) if v.dtype == np.int32 else np.mean(np.isnan(v)) for v in parts["train"].inputs.values()]))
    return {
        "summary": f"{len(table):,} rows, {told}, {what}" + (f", {twins} exact duplicates" if twins else ""),
        "rows": len(table),
        "target": encoder.target,
        "columns": {c.name: c.kind for c in encoder.columns},
        "inputs": {c.name: list(c.inputs) for c in encoder.columns},
        "empty_cells": round(empty, 4),
        "duplicates": twins,
        "set_aside": encoder.set_aside,
    }
