"""Predictions as a frame, beside the columns of their inputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl  # loaded only where a frame is made


def predictions_frame(task: Any, encoder: Any, inputs: Any, predictions: list[dict[str, Any]], wide: bool = False) -> pl.DataFrame:
    """One row per input beside its own columns; for a series, its history and then its forecast.

    Args:
        task: The prediction module of the task (`core.task.TaskPredict`).
        encoder: The encoder of the bundle.
        inputs: What was predicted.
        predictions: What `Predictor.predict(inputs)` returned.
        wide: Turn lists of numbers into numbered columns.

    Returns:
        The frame; a column that both have is `<name>_predicted` for the prediction. The column `error` says why an input could not be read.
    """
    import polars as pl

    if task.INPUT == "history":
        histories = [inputs] if hasattr(inputs, "columns") or not isinstance(inputs, list | tuple) else inputs
        rows = task.appended(encoder, histories, predictions)
    else:
        rows = [_without_objects(one) for one in predictions]
    frame = pl.DataFrame(_widen(rows) if wide else rows, infer_schema_length=None)
    given = _input_columns(inputs, len(predictions)) if frame.height == len(predictions) else None
    if given is None:
        return frame
    return pl.concat([given, frame.rename(_free_names(frame.columns, given.columns))], how="horizontal")


def as_kind_of(frame: pl.DataFrame, inputs: Any) -> Any:
    """The frame as a frame of pandas or a table of Arrow where `inputs` are one, else as it is."""
    library = type(inputs).__module__.partition(".")[0]
    if library == "pandas":
        import pandas as pd

        table = pd.DataFrame({name: frame[name].to_list() for name in frame.columns})
        return table.set_index(inputs.index) if len(table) == len(inputs) else table
    return frame.to_arrow() if library == "pyarrow" else frame


def _free_names(names: list[str], taken: list[str]) -> dict[str, str]:
    """A name for each column that none of `taken` has: `<name>_predicted`, with a number where that is taken too."""
    free: dict[str, str] = {}
    for name in names:
        new, count = name, 1
        while new in taken or new in free.values():
            new, count = f"{name}_predicted{f'_{count}' if count > 1 else ''}", count + 1
        free[name] = new
    return free


def _input_columns(inputs: Any, count: int) -> pl.DataFrame | None:
    """The inputs as columns: the table they are, or their names; None where they do not match the predictions one to one."""
    import polars as pl

    if hasattr(inputs, "columns"):
        from applied_dl.io.tables import read_table

        frame = inputs if isinstance(inputs, pl.DataFrame) else getattr(inputs, "frame", None)
        frame = read_table(inputs).frame if frame is None else frame
        return frame if frame.height == count else None
    items = [inputs] if isinstance(inputs, str | Path | dict) else inputs
    if not isinstance(items, list) or len(items) != count:
        return None
    if all(isinstance(one, dict) for one in items):
        return pl.DataFrame(items, infer_schema_length=None, strict=False)
    if all(isinstance(one, str | Path) for one in items):
        return pl.DataFrame({"input": [str(one) for one in items]})
    return None


def _without_objects(prediction: dict[str, Any]) -> dict[str, Any]:
    """A prediction whose nested objects are JSON texts; the input is a column of its own."""

    def nested(value: Any) -> bool:
        return isinstance(value, dict) or isinstance(value, list) and any(isinstance(item, dict) for item in value)

    left_out = ("input", "warning")  # a warning says in words that the distance is large; a column of it would come and go
    kept = {key: value for key, value in prediction.items() if key not in left_out}
    return {key: json.dumps(value, ensure_ascii=False) if nested(value) else value for key, value in kept.items()}


def _widen(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lists of numbers as numbered columns, lists of labels with "|" between them."""
    wide = []
    for row in rows:
        flat: dict[str, Any] = {}
        for key, value in row.items():
            if isinstance(value, list) and all(isinstance(item, str) for item in value):  # several labels
                value = "|".join(value)
            flat |= {f"{key}_{i + 1}": item for i, item in enumerate(value)} if isinstance(value, list) else {key: value}
        wide.append(flat)
    return wide
