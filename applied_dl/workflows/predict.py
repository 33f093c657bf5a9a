"""Answers as a table on disk: CSV, Parquet or JSON lines, by the name of the file. polars, no TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path

from applied_dl.core.errors import UsageError

FORMS = (".csv", ".parquet", ".jsonl")


def writable(path: str | Path) -> Path:
    """The path, before any work is done for it. Raises `UsageError` for a form that is not written, or a file that is there already."""
    path = Path(path)
    if path.suffix.lower() not in FORMS:
        raise UsageError(f"{str(path)!r} must end in {', '.join(FORMS)}.")
    if path.exists():
        raise UsageError(f"{str(path)!r} exists already; name another file.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{str(path.parent)!r} can be no folder: {error.strerror}; name another file.") from error
    return path


def write_answers(path: Path, predictor, inputs, answers: list[dict]) -> int:
    """Write one row an input beside what was given (a series: its history, then its forecast); gives the number of rows.

    inputs: what `predictor.gather` made of the command line. A vector is columns `vector_1` … of a CSV, a list elsewhere; what an input
    could not be read for stands in the column `error`.
    """
    import polars as pl

    if hasattr(predictor.task_module, "appended"):
        rows = predictor.task_module.appended(predictor.encoder, inputs, answers)
    else:
        rows = [_plain(answer) for answer in answers]
    found = pl.DataFrame(_flat(rows) if path.suffix.lower() == ".csv" else rows, infer_schema_length=None)
    given = _given(inputs, len(answers)) if len(found) == len(answers) else None
    if given is not None:
        found = found.rename({name: f"{name}_predicted" for name in found.columns if name in given.columns})
        found = pl.concat([given, found], how="horizontal")
    if path.suffix.lower() == ".csv":
        found.write_csv(path)
    elif path.suffix.lower() == ".parquet":
        found.write_parquet(path)
    else:
        found.write_ndjson(path)
    return len(found)


def _given(inputs, count: int):
    """The inputs as columns: the table they are, or their names."""
    import polars as pl

    frame = getattr(inputs, "frame", None)
    if frame is not None:
        return frame
    if not isinstance(inputs, list) or len(inputs) != count:
        return None
    if all(isinstance(one, dict) for one in inputs):
        return pl.DataFrame(inputs, infer_schema_length=None, strict=False)
    return pl.DataFrame({"input": [str(one) for one in inputs]})


def _plain(answer: dict) -> dict:
    """An answer without lists of objects, which are kept as JSON; the input is a column of its own."""
    nested = lambda value: isinstance(value, dict) or isinstance(value, list) and any(isinstance(v, dict) for v in value)  # noqa: E731
    return {k: json.dumps(v, ensure_ascii=False) if nested(v) else v for k, v in answer.items() if k != "input"}


def _flat(rows: list[dict]) -> list[dict]:
    """Lists of numbers as numbered columns."""
    wide = []
    for row in rows:
        flat: dict = {}
        for key, value in row.items():
            flat |= {f"{key}_{i + 1}": v for i, v in enumerate(value)} if isinstance(value, list) else {key: value}
        wide.append(flat)
    return wide
