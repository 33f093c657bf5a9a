"""The page of series: a chart of a pasted history with its forecast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from applied_dl.core.errors import UsageError
from applied_dl.core.page_parts import PageParts
from applied_dl.tasks.forecast.encoder import SeriesEncoder
from applied_dl.tasks.forecast.examples import examples


def page_parts(encoder: SeriesEncoder) -> PageParts:
    """What its page consists of. Raises `UsageError` where its histories are not ported."""
    if reason := _unknown_history(encoder):
        raise UsageError(f"There is no page for this bundle: {reason}, which is not ported to JavaScript; use `applied-dl predict`.")
    found = tuple(examples(encoder))
    return PageParts(
        modules=("text", "cells", "dates", "clock", "quantities", "series", "rows", "view_series"),
        encoder=msgspec.to_builtins(encoder),
        rules="table",
        form=_csv(found[0]),
        examples=found,
        limits=("A history has the columns of the training file, its times written as there; other forms are for `applied-dl predict`.",),
    )


def _unknown_history(encoder: Any) -> str:
    """What of a history the page does not have; empty where it has all."""
    columns = encoder.columns
    if columns.past or columns.future or columns.static:
        return "it reads covariates"
    if columns.layout == "rows" or columns.time_parts or columns.series_parts:
        return "its file has a row for each series, or times or names in several columns"
    if columns.form.startswith(("short:", "cycle:")):
        return "its times are years of two digits or numbers of seasons"
    return "its clock moves to business days" if encoder.clock.business else ""


def _csv(table: dict[str, list[Any]]) -> str:
    """Columns as the text of a CSV file, which the page starts with."""
    cell: Callable[[Any], str] = lambda value: "" if value is None else f'"{value}"' if "," in str(value) else str(value)  # noqa: E731
    return "\n".join(",".join(map(cell, row)) for row in (table.keys(), *zip(*table.values())))
