"""Tables → codes of their cells by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from applied_dl.core.errors import DataError, UsageError, nearest
from applied_dl.core.fingerprint import fingerprint
from applied_dl.core.records import Part, Prepared
from applied_dl.core.splits import split_parts
from applied_dl.io.extra_rows import extra_rows, notes_of
from applied_dl.io.identifiers import copy_keys
from applied_dl.io.sheets import SQLITE, WORKBOOKS
from applied_dl.io.tables import BUILT_IN, Table, join, read_table
from applied_dl.tasks.generate.encoder import Form, GenerateEncoder, Request, latents
from applied_dl.tasks.generate.readers.columns import encode_rows, learn_columns
from applied_dl.tasks.generate.readers.images import HELD_SEED, NAMES

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".jsonl", ".ndjson", ".json", ".feather", ".arrow", ".db", ".sqlite", ".sqlite3",
            *WORKBOOKS)  # fmt: skip
FEWEST = 20  # rows
BINS = (8, 64)  # fewest and most intervals of a column of numbers
ROWS_OF_BIN = 30  # training rows of an interval, at least, until there are `BINS[0]`


class TableState(Struct, frozen=True, kw_only=True):
    """Codes (N, F) of the training rows, where each number lies in its interval (N, F), and the numbers minus their origins (N, F)."""

    codes: np.ndarray
    places: np.ndarray
    values: np.ndarray


def is_table(data) -> bool:
    """Whether the recipe's data is a table rather than images."""
    source = data.train or data.source
    name = Path(source).name.lower().removesuffix(".gz").removesuffix(".bz2").removesuffix(".zst")
    return source in BUILT_IN or source.startswith(SQLITE) or name.endswith((*SUFFIXES, ".data", ".dat"))


def prepare_table(recipe) -> Prepared:
    """Read, understand, split and encode the table of a recipe.

    Raises:
        DataError: nothing can be learned from it; one sentence says why and what to do.
    """
    data = recipe.data
    table, part, left_out = _read(data)
    for key in ("ignore", "categorical"):
        for name in getattr(data, key):
            if name not in table.columns:
                raise UsageError(f"data.{key}: there is no column {name!r}.{nearest(name, table.columns)}")
    if len(table) < FEWEST:
        raise DataError(f"{table.source} has {len(table)} rows; expected at least {FEWEST} to learn from.")
    keys, copies, repeats = copy_keys(table.frame.drop(list(data.ignore)))
    rows = split_parts(part, data.split, recipe.train.seed, keys=keys)
    if empty := [name for name in NAMES if not len(rows[name])]:
        raise DataError(f"The {empty[0]} part is empty; give data.split a share for it, or name data.{empty[0]}.")
    bins = recipe.preprocess.bins or int(np.clip(len(rows["train"]) // ROWS_OF_BIN, *BINS))
    columns, notes = learn_columns(table, rows["train"], data, bins, recipe.preprocess.levels)
    form = Form(latent=1, columns=columns)
    form = Form(latent=_latent(recipe, form), noise="normal" if recipe.model.name == "row_gan" else "uniform", columns=columns)
    _check_target(data.target, form)
    codes, places, values = encode_rows(form, table)
    parts = {name: _part(form, codes[at], values[at], recipe.train.seed, name) for name, at in rows.items()}
    state = TableState(codes=codes[rows["train"]], places=places[rows["train"]], values=values[rows["train"]])
    for one in parts.values():
        one.extra["train"] = state
    facts = {
        "summary": f"{len(table):,} rows, {len(columns)} columns ({len(form.learned)} learned){f', {copies} copies' if copies else ''}",
        "rows": len(table), "columns": {column.name: column.kind for column in columns}, "learned": len(form.learned), "copies": copies,
        "natural_repeats": repeats, "target": target_of(data.target, form),
    }  # fmt: skip
    notes = [*left_out, *notes]
    digest = fingerprint(*(a for name in NAMES for a in (parts[name].extra["codes"], parts[name].extra["values"])), *table.columns)
    return Prepared(encoder=GenerateEncoder(form=form), **parts, fingerprint=digest, facts=facts, warnings=notes, state=state)


def read_part(form: Form, source: str, data) -> Part:
    """The rows of another table, beside which made rows are scored. Raises `DataError` where it lacks a column."""
    table, left_out = _read_file(source, data)
    if not len(table):
        raise DataError(f"{table.source} has no rows to score against.")
    codes, _, values = encode_rows(form, table)
    return replace(_part(form, codes, values, 0, "test"), warnings=left_out)


def target_of(wanted: str | None, form: Form) -> str:
    """The column that models trained on made rows predict: the one named, or the last one that is learned."""
    return wanted or form.learned[-1].name


def _check_target(wanted: str | None, form: Form) -> None:
    names = [column.name for column in form.learned]
    if wanted is not None and wanted not in names:
        raise UsageError(f"data.target: there is no column {wanted!r} that is learned.{nearest(wanted, names)}")


def _latent(recipe, form: Form) -> int:
    """Two random numbers a column for models that draw one column after the other; as many as the recipe says for others."""
    return (recipe.model.latent or 64) if recipe.model.name == "row_gan" else 2 * len(form.learned)


def _read_file(source: str, data) -> tuple[Table, list[str]]:
    """The rows of a file without those of totals and units, and notes on these."""
    table = read_table(source, data.separator, data.header, data.sheet)
    extra = extra_rows(table)
    return table.take(np.setdiff1d(np.arange(len(table)), list(extra))) if extra else table, notes_of(extra)


def _read(data) -> tuple[Table, np.ndarray, list[str]]:
    """The rows of all files, the part of each row, and notes on rows that are left out."""
    if not (data.train or data.validation or data.test):
        table, notes = _read_file(data.source, data)
        return table, np.full(len(table), "all"), notes
    if not data.train:
        raise DataError("data.test or data.validation is given without data.train; name the training file too, or only data.source.")
    files = {name: _read_file(path, data) for name in NAMES if (path := getattr(data, name))}
    tables, notes = {name: table for name, (table, _) in files.items()}, [note for _, some in files.values() for note in some]
    first = next(iter(tables.values()))
    for table in tables.values():
        if other := sorted(set(table.columns) ^ set(first.columns)):
            raise DataError(f"{table.source} and {first.source} have different columns: {', '.join(map(repr, other[:10]))}.")
    return join(list(tables.values())), np.repeat(list(tables), [len(table) for table in tables.values()]), notes


def _part(form: Form, codes: np.ndarray, values: np.ndarray, seed: int, name: str) -> Part:
    """As many requests as there are real rows, with these beside them."""
    requests = [Request(seed=seed, number=HELD_SEED[name] * 10_000_000 + i) for i in range(len(codes))]
    return Part(inputs={"latent": latents(form, requests)}, extra={"codes": codes, "values": values})
