"""Predictions as a table: a polars or pandas frame, or a CSV, Parquet or JSON lines file. No TensorFlow."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from applied_dl.core.errors import UsageError
from applied_dl.predictor import Predictor

if TYPE_CHECKING:
    import polars as pl  # loaded only where a frame is made

FORMATS = (".csv", ".parquet", ".jsonl")


def predict(
    bundle: str | os.PathLike[str] | Predictor, inputs: Any, *, variant: str | None = None, as_frame: bool = False, **options: Any
) -> Any:
    """Predictions of a bundle as a list of dicts, or as a frame: of pandas where `inputs` are a pandas frame, else of polars."""
    predictor = bundle if isinstance(bundle, Predictor) else Predictor(bundle, variant)
    if isinstance(bundle, Predictor) and variant not in (None, bundle.variant):
        raise UsageError(f"The predictor was loaded with the variant {bundle.variant!r}; load another one for {variant!r}.")
    predictions = predictor.predict(inputs, **options)
    if not as_frame:
        return predictions
    frame = predictions_frame(predictor, inputs, predictions)
    if type(inputs).__module__.startswith("pandas"):
        import pandas as pd

        table = pd.DataFrame({name: frame[name].to_list() for name in frame.columns})
        return table.set_index(inputs.index) if len(table) == len(inputs) else table
    return frame


def check_target(path: str | Path) -> Path:
    """The path of an output file, checked before any work is done for it.

    Raises:
        UsageError: The format is not supported, the file exists, or its folder cannot be made.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{str(path)!r} must end in {', '.join(FORMATS)}.")
    if path.exists():
        raise UsageError(f"{str(path)!r} exists already; name another file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {str(path.parent)!r} cannot be made: {error.strerror}; name another file.") from error
    return path


def write_predictions(path: Path, predictor: Predictor, inputs: Any, predictions: list[dict[str, Any]]) -> int:
    """Write the rows of `predictions_frame`; returns their number. In a CSV, vectors are columns `vector_1`, `vector_2`, …"""
    suffix = path.suffix.lower()
    frame = predictions_frame(predictor, inputs, predictions, wide=suffix == ".csv")
    if suffix == ".csv":
        frame.write_csv(path)
    elif suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_ndjson(path)
    return frame.height


def predictions_frame(predictor: Predictor, inputs: Any, predictions: list[dict[str, Any]], wide: bool = False) -> pl.DataFrame:
    """One row per input beside its own columns; for a series, its history and then its forecast.

    Args:
        predictor: The loaded bundle.
        inputs: What was predicted.
        predictions: What `predictor.predict(inputs)` returned.
        wide: Turn lists of numbers into numbered columns.

    Returns:
        The frame; a column that both have is `<name>_predicted` for the prediction. The column `error` says why an input could not be read.
    """
    import polars as pl

    if predictor.task_module.HISTORIES:
        histories = [inputs] if hasattr(inputs, "columns") or not isinstance(inputs, list | tuple) else inputs
        rows = predictor.task_module.appended(predictor.encoder, histories, predictions)
    else:
        rows = [_without_objects(one) for one in predictions]
    frame = pl.DataFrame(_widen(rows) if wide else rows, infer_schema_length=None)
    given = _input_columns(inputs, len(predictions)) if frame.height == len(predictions) else None
    if given is None:
        return frame
    return pl.concat([given, frame.rename(_free_names(frame.columns, given.columns))], how="horizontal")


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

    return {key: json.dumps(value, ensure_ascii=False) if nested(value) else value for key, value in prediction.items() if key != "input"}


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
