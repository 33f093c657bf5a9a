"""What the card and the console say of a table that was read: its facts, and notes on cells, classes and members."""

from __future__ import annotations

import numpy as np

from applied_dl.core.plurals import numbered
from applied_dl.core.records import Part
from applied_dl.io.tables import Table
from applied_dl.tasks.tabular.columns import TableEncoder

SHOWN = 5  # wrong cells that a note lists


def facts(encoder: TableEncoder, table: Table, parts: dict[str, Part], copies: int, repeats: int) -> dict:
    """What the bundle keeps of the table."""
    names = ("number", "measures", "boolean", "category", "moment", "tags", "text")
    kinds = {kind: sum(c.kind == kind for c in encoder.columns) for kind in names}
    plural = {"category": "categories", "tags": "lists", "measures": "columns of several numbers", "moment": "dates"}
    single = {"tags": "list", "measures": "column of several numbers", "moment": "date"}
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


def wrong_cells(errors: dict[int, str]) -> list[str]:
    """The note on rows with cells that count as empty."""
    shown = [errors[row] for row in sorted(errors)[:SHOWN]]
    more = [f"and {len(errors) - SHOWN} more rows"] if len(errors) > SHOWN else []
    return [f"{numbered(len(errors), 'row has', 'rows have')} cells that count as empty: " + " ".join(shown + more)] if errors else []


def remembers(model) -> list[str]:
    """The note on a model whose files hold training rows."""
    if "retrieval" not in (model.name, *(model.members or ())) and not model.memory:
        return []
    what = "the exported files hold" if model.name == "retrieval" else "where 'retrieval' gets a weight, the exported files hold"
    return [f"{what} training rows (embedded) with their targets: share them as you would share the table"]


def rare_classes(truth: np.ndarray, labels: tuple[str, ...]) -> list[str]:
    """The note on classes with hardly a training row."""
    if not labels:
        return []
    counts = np.bincount(truth, minlength=len(labels))
    few = [f"{labels[i]!r} ({counts[i]})" for i in np.flatnonzero(counts < 3)]
    lost = "IMPORTANT: " if (counts == 0).any() else ""
    return [f"{lost}classes with fewer than 3 training rows: {', '.join(few[:20])}"] if few else []
