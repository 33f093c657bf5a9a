"""Recipe keys that suit a file of series, proposed by `applied-dl new`."""

from __future__ import annotations

from typing import Any

from applied_dl.tasks.forecast.readers.series import read_series
from applied_dl.tasks.forecast.series import Columns


def suggest(source: str) -> dict[str, Any]:
    """The columns of times, series and values that would be chosen."""
    columns = read_series(source, Columns()).columns
    targets = columns.targets[0] if len(columns.targets) == 1 else list(columns.targets)
    found = {"data.time": columns.time, "data.series": columns.series, "data.target": targets}
    return {key: value for key, value in found.items() if value}
