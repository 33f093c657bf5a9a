"""The page of a table: a form made of its columns."""

from __future__ import annotations

import msgspec

from applied_dl.core.page_parts import PageParts
from applied_dl.tasks.tabular.columns import TableEncoder
from applied_dl.tasks.tabular.examples import examples, typical_row


def page_parts(encoder: TableEncoder) -> PageParts:
    """What its page consists of."""
    return PageParts(
        modules=("text", "cells", "quantities", "dates", "answers", "table", "rows", "view_table"),
        encoder=msgspec.to_builtins(encoder),
        rules="table",
        form=typical_row(encoder),
        examples=tuple(examples(encoder)),
        limits=("Rows are read as texts. Files of Excel or Parquet, and rows of totals below a table, are for `applied-dl predict`.",),
    )
