"""Rows of a table in, predictions with intervals or labels with probabilities out: the part of the task that needs no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from applied_dl.core.errors import DataError, UsageError
from applied_dl.io.extra_rows import extra_rows
from applied_dl.io.json_shapes import with_fields
from applied_dl.io.tables import alike_names
from applied_dl.runtime.interpreter import Encoded
from applied_dl.tasks.tabular.columns import TableEncoder, load
from applied_dl.tasks.tabular.encoder import encode as encode_cells
from applied_dl.tasks.tabular.encoder import read_as
from applied_dl.tasks.tabular.examples import examples

load_encoder = load
AT_ONCE = None
INPUT = "row"
TOP = 5


def expand_inputs(arguments: list[str]):
    """Table files with the same columns, or rows as JSON objects, from command-line arguments."""
    from applied_dl.io.tables import join, read_table

    tables, rows = [], []
    for text in arguments:
        if text.lstrip()[:1] in ("{", "["):
            try:
                found = json.loads(text)
            except json.JSONDecodeError as error:
                raise UsageError(f"The row {text[:60]!r} is not valid JSON: {error}.") from error
            rows += found if isinstance(found, list) else [found]
        else:
            tables.append(read_table(text, header="guess"))
    if not tables:
        return rows
    return join([*tables, read_table(rows)] if rows else tables)


def input_batches(arguments: list[str]) -> Iterator[Any]:
    """The rows of the files in batches; a workbook, a database or a JSON list is one."""
    from applied_dl.io.batches import can_batch, table_batches

    for text in arguments:
        path = Path(text)
        if text.lstrip()[:1] not in ("{", "[") and can_batch(path):
            yield from table_batches(path)
        else:
            yield expand_inputs([text])


def raw_inputs(encoder: TableEncoder) -> list[tuple[str, str]]:
    """The feature columns; of which several inputs are made, such as a number and its unit, hold texts."""
    found: dict[str, str] = {}
    for column in encoder.columns:
        found[column.name] = "FP64" if column.kind == "number" and column.name not in found else "BYTES"
    return list(found.items())


def encode(encoder: TableEncoder, inputs) -> Encoded:
    """A table, a frame, or a list of rows (mappings of column names to cells) → columns by input name (N,) or (N, width).

    A row that is no mapping, or has a cell of the wrong kind, becomes an error in its place.
    """
    from applied_dl.io.tables import read_table

    errors: dict[int, str] = {}
    renamed: dict[tuple[str, str], None] = {}
    if isinstance(inputs, list):
        if not inputs:
            return Encoded(inputs={}, kept=[])
        if all(isinstance(item, str | Path) for item in inputs):
            return encode(encoder, expand_inputs([str(item) for item in inputs]))
        if len(inputs) == 1 and isinstance(inputs[0], dict) and inputs[0] and all(isinstance(v, list) for v in inputs[0].values()):
            return encode(encoder, read_table(inputs[0]))  # columns
        errors = {
            i: f"row {i}: expected a mapping of columns to cells, received {type(r).__name__}."
            for i, r in enumerate(inputs)
            if not isinstance(r, dict)
        }
        read = []
        for i, row in enumerate(inputs):
            try:
                read.append(_row(encoder, row) if isinstance(row, dict) else ({}, {}))
            except DataError as error:
                read.append(({}, {}))
                errors[i] = f"row {i}: {error}"
        renamed = dict.fromkeys(pair for _, others in read for pair in others.items())
        names = dict.fromkeys(column.name for column in encoder.columns)
        inputs = [row for row, _ in read]
        absent = {i: [name for name in names if name not in row] for i, row in enumerate(inputs) if i not in errors}
        for i, lacking in absent.items():
            if lacking:
                errors[i] = (
                    f"row {i} lacks {', '.join(map(repr, lacking[:10]))}; give every column the model was trained on (null where unknown)."
                )
        inputs = [{c.name: row.get(c.name) for c in encoder.columns} | row for row in inputs]
    table = read_table(inputs)
    cells = encode_cells(encoder, table)
    extra = {row: f"{note.removeprefix('IMPORTANT: ')}." for row, note in extra_rows(table).items()}
    errors = {**cells.errors, **extra, **errors}
    kept = [i for i in range(len(table)) if i not in errors]
    at = np.array(kept, np.int64)
    notes = [*(read_as(*names) for names in renamed), *cells.notes]
    return Encoded(inputs={k: v[at] for k, v in cells.inputs.items()} if kept else {}, kept=kept, errors=errors, warnings=notes)


def _row(encoder: TableEncoder, row: dict) -> tuple[dict, dict[str, str]]:
    """A row with the names of training and the fields of mappings as cells, and those names that were others.

    A mapping in a column of the model is a wrong cell of it.
    """
    known = {column.name for column in encoder.columns}
    plain = {name: str(cell) if name in known and isinstance(cell, dict) else cell for name, cell in row.items()}
    cells = {str(name).strip(): cell for name, cell in with_fields(plain).items()}
    renamed = alike_names((name for name in cells if name not in encoder.dropped), [column.name for column in encoder.columns])
    return {renamed.get(name, name): cell for name, cell in cells.items()}, renamed


def postprocess(encoder: TableEncoder, outputs: dict, encoded: Encoded, *, top: int = TOP) -> list[dict]:
    """`{"prediction", "lower", "upper"}` per row, by target where there are several; or `{"label", "probability", "top"}`."""
    if top < 1:
        raise UsageError(f"top must be at least 1, received {top}.")
    if not encoder.labels:
        columns = [outputs[name].tolist() for name in ("prediction", "lower", "upper")]
        if len(encoder.targets) == 1:
            return [dict(zip(("prediction", "lower", "upper"), row)) for row in zip(*columns)]
        names = [target.name for target in encoder.targets]
        return [{name: dict(zip(("prediction", "lower", "upper"), one)) for name, one in zip(names, zip(*row))} for row in zip(*columns)]
    p, found = outputs["probabilities"], []
    best = outputs["decision"].astype(int) if "decision" in outputs else p.argmax(1)
    for row, choice in zip(p, best):
        ranked = [{"label": encoder.labels[i], "probability": float(row[i])} for i in np.argsort(-row, kind="stable")[:top]]
        found.append({"label": encoder.labels[choice], "probability": float(row[choice]), "top": ranked})
    return found


__all__ = ["INPUT", "AT_ONCE", "encode", "examples", "expand_inputs", "input_batches", "load_encoder", "postprocess", "raw_inputs"]
