"""Labeled texts larger than memory: which files are read in batches, and the sample of their rows.

The sample is prepared as any labelled texts are: its training texts make the tokenizer and the labels, its validation and test texts are
those of the whole file. All other texts train (`stored`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct

from applied_dl.core import console
from applied_dl.core.errors import UsageError
from applied_dl.tasks.sentences.readers.labels import LabelForm
from applied_dl.tasks.sentences.readers.layouts import Layout, layout_of, named_columns
from applied_dl.tasks.sentences.readers.lines import is_tagged, line_batches
from applied_dl.tasks.sentences.readers.sources import Source, column_names_of, labelled_source, tagged_source
from applied_dl.text.decoding import OPENERS, Reading, suffix_of
from applied_dl.text.tables import DELIMITED, Table, is_table, table_batches

LARGE_BYTES = 2**28  # of text; in memory, texts take about nine times as much
UNPACKED = 4  # times the size of a Parquet file, or of one that is compressed
CHARACTERS = 2**28  # of the sample, at most
LINES = (".jsonl", ".ndjson", ".parquet")  # tables that are read in batches, beside those of cells


class RowForm(Struct, frozen=True, kw_only=True):
    """How the rows of a file are read: the columns, how labels are written, and the names of several label columns."""

    layout: Layout
    labels: LabelForm = LabelForm()
    several: tuple[str, ...] = ()


class Sample(Struct, frozen=True, kw_only=True):
    """Some rows of a file as a source, how they were read, and how many the file has."""

    source: Source
    form: RowForm
    rows: int


def large_source(recipe, data) -> Path | None:
    """The training file, where it is read in batches: by the recipe, or by its size.

    Raises:
        UsageError: the recipe asks for it, and the source or the model does not allow it.
    """
    source = data.source if data.train is None else data.train
    sources = (source,) if isinstance(source, str) else tuple(source)
    if data.in_memory or not sources or (data.max_rows and data.in_memory is None):
        return None
    path = Path(sources[0]).expanduser()
    reason = _why_in_memory(recipe, data, sources, path)
    if data.in_memory is False:
        if reason:
            raise UsageError(f"data.in_memory = false reads labelled texts of one file in batches, {reason}; remove the key.")
        return path
    if not path.is_file() or _text_bytes(path) <= LARGE_BYTES:
        return None
    if reason:
        console.warn(f"{path} is read whole, {reason}; data.max_rows reads less of it")
    return None if reason else path


def _why_in_memory(recipe, data, sources: tuple[str, ...], path: Path) -> str:
    """Why a source is read whole; "" where nothing speaks for it."""
    model, learn = recipe.model, recipe.learn
    if data.max_rows:
        return f"and data.max_rows = {data.max_rows:,} asks for the first ones"
    if len(sources) > 1 or not path.is_file():
        return f"and received {', '.join(map(repr, sources))}"
    if is_table(path) and suffix_of(path) not in (*DELIMITED, *LINES):
        return f"and a file such as {path.name!r} is read whole (CSV, TSV, JSON lines, Parquet and lines of text are not)"
    if data.kind not in (None, "labelled"):
        return f"and data.kind is {data.kind!r}"
    if model.name == "bytes":
        return "and model.name = 'bytes' has no tokenizer"
    if learn.objective not in (None, "classification") or model.teacher or learn.pretrain:
        return "for learn.objective = 'classification' alone"
    return ""


def sample(path: Path, data, seed: int) -> Sample | None:
    """Rows of a file, chosen at random and in order: `data.sample_rows`, or up to twice as many. None where it holds no labelled texts.

    Each row draws a number, and those below a limit are kept; the limit is halved whenever they are too many.
    """
    random, reading = np.random.default_rng(seed), Reading()
    kept: list[tuple[float, list]] = []
    table, rows, limit, size = Table(path=str(path)), 0, 1.0, 0
    for batch in row_batches(path, data, reading):
        table.header, table.sets = batch.header, batch.sets
        drawn = random.random(len(batch.rows)).tolist()
        fresh = [(number, row) for number, row in zip(drawn, batch.rows) if number < limit]
        kept += fresh
        size += sum(len(cell) for _, row in fresh for cell in row if isinstance(cell, str))
        while len(kept) > 2 * data.sample_rows or (size > CHARACTERS and len(kept) > 1):
            limit /= 2
            kept = [(number, row) for number, row in kept if number < limit]
            size = sum(len(cell) for _, row in kept for cell in row if isinstance(cell, str))
        rows += len(batch.rows)
    table.rows = [row for _, row in kept]
    if not table.rows:
        return None
    if is_tagged(table):
        form = RowForm(layout=Layout(kind="labelled", texts=(1,), labels=(0,)), labels=LabelForm(lists="cells"))
        return Sample(source=tagged_source(table, reading.warnings()), form=form, rows=rows)
    layout = layout_of(table, data)
    if layout.kind != "labelled":
        return None
    source = labelled_source(table, layout, data, [*reading.warnings(), *layout.warnings])
    names = column_names_of(table, layout)
    several = tuple(names[i] for i in layout.labels) if len(layout.labels) > 1 else ()
    return Sample(source=source, form=RowForm(layout=layout, labels=source.labels.form, several=several), rows=rows)


def row_batches(path: Path, data, reading: Reading) -> Iterator[Table]:
    """The rows of a file in batches."""
    return table_batches(path, named_columns(data), reading) if is_table(path) else line_batches(path, data, reading)


def _text_bytes(path: Path) -> int:
    packed = path.suffix.lower() in OPENERS or suffix_of(path) == ".parquet"
    return path.stat().st_size * (UNPACKED if packed else 1)
