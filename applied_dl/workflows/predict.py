"""Predictions as a table: a polars or pandas frame, or a CSV, Parquet, JSON lines or Excel file. No TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from applied_dl.core.errors import UsageError
from applied_dl.io.write_tables import FLAT, check_format, write_table
from applied_dl.predictor import Predictor
from applied_dl.runtime.prediction_frames import predictions_frame
from applied_dl.tasks import load_writer


def predict(
    bundle: str | os.PathLike[str] | Predictor, inputs: Any, *, variant: str | None = None, as_frame: bool = False, **options: Any
) -> Any:
    """Predictions of a bundle as a list of dicts, or as a frame: of pandas where `inputs` are a pandas frame, else of polars."""
    predictor = bundle if isinstance(bundle, Predictor) else Predictor(bundle, variant)
    if isinstance(bundle, Predictor) and variant not in (None, bundle.variant):
        raise UsageError(f"The predictor was loaded with the variant {bundle.variant!r}; load another one for {variant!r}.")
    return predictor.predict_batch(inputs, **options) if as_frame else predictor.predict(inputs, **options)


def check_target(path: str | Path) -> Path:
    """The path of an output file, checked before any work is done for it.

    Raises:
        UsageError: The format is not supported, the file exists, or its folder cannot be made.
    """
    path = Path(path)
    check_format(path)
    if path.exists():
        raise UsageError(f"{str(path)!r} exists already; name another file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {str(path.parent)!r} cannot be made: {error.strerror}; name another file.") from error
    return path


def write_predictions(path: Path, predictor: Predictor, inputs: Any, predictions: list[dict[str, Any]]) -> int:
    """Write the rows of `predictions_frame`; returns their number. In a CSV or a workbook, vectors are columns `vector_1`, `vector_2`, …"""
    wide = path.suffix.lower() in FLAT
    frame = predictions_frame(predictor.task_module, predictor.encoder, inputs, predictions, wide=wide)
    write_table(frame, path)
    return frame.height


def names_folder(path: str | Path) -> bool:
    """Whether an output is a folder of files rather than a table."""
    return not Path(path).suffix or Path(path).is_dir()


def predict_to_folder(predictor: Predictor, arguments: list[str], path: str | Path) -> dict[str, Any]:
    """Write the files of predictions, such as masks, into a new folder.

    Args:
        predictor: Of a task whose predictions are files.
        arguments: The inputs, as on the command line; they are read in parts.
        path: The folder.

    Returns:
        `folder`, the number of `predictions`, and of `errors` among them.

    Raises:
        UsageError: The task's predictions are a table, or the folder exists and is not empty.
    """
    write, folder, done, errors = load_writer(predictor.task), Path(path), 0, 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"The folder {str(folder)!r} exists already and is not empty; name another one.")
        for batch in predictor.input_batches(arguments):
            predictions = predictor.predict(batch)
            write(predictor.encoder, folder, batch, predictions, done)
            done += len(predictions)
            errors += sum("error" in one for one in predictions)
    except OSError as error:
        raise UsageError(f"The folder {str(folder)!r} cannot be written: {error.strerror}; name another one.") from error
    return {"folder": str(folder), "predictions": done, "errors": errors}
