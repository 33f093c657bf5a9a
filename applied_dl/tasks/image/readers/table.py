"""A CSV or Parquet of `path,label`: which column holds the pictures, where they lie, and several labels a picture."""

from __future__ import annotations

from pathlib import Path

from applied_dl.core.errors import DataError, nearest
from applied_dl.io.cells import as_levels
from applied_dl.io.table_files import read_cells

PATH_COLUMNS = ("path", "file", "filename", "file_name", "image", "image_path", "filepath", "picture")
SEPARATOR = "|"  # between several labels of one picture


def path_column(columns: list[str], path: Path) -> str:
    """The column that names the pictures."""
    for column in columns:
        if column.strip().lower() in PATH_COLUMNS:
            return column
    raise DataError(f"{str(path)!r} has no column of picture paths: expected one of {', '.join(PATH_COLUMNS)}; received {columns}.")


def picture_paths(path: Path) -> list[Path]:
    """The pictures a table names, relative to its own folder."""
    frame = read_cells(path, header=True).frame
    found = [path.parent / cell for cell in as_levels(frame[path_column(frame.columns, path)]) if cell]
    if not found:
        raise DataError(f"{str(path)!r} names no picture; expected one row a picture.")
    return found


def labelled_paths(path: Path, target: str) -> tuple[list[Path], list[tuple[str, ...]], bool]:
    """Pictures, the labels of each, and whether a picture may have several.

    Labels are parted by "|"; a path on several rows gathers their labels. Raises `DataError` where a column is missing or a cell empty.
    """
    frame = read_cells(path, header=True).frame
    column = path_column(frame.columns, path)
    if target not in frame.columns:
        others = [c for c in frame.columns if c != column]
        raise DataError(f"{str(path)!r} has no label column {target!r} (data.target).{nearest(target, others) if others else ''}")
    found: dict[str, dict[str, None]] = {}
    several = False
    for row, (name, cell) in enumerate(zip(as_levels(frame[column]), as_levels(frame[target])), start=2):
        if not name or not name.strip():
            raise DataError(f"{str(path)!r}, row {row}: the cell of {column!r} is empty; expected the path of a picture.")
        labels = [part.strip() for part in (cell or "").split(SEPARATOR) if part.strip()]
        several |= SEPARATOR in (cell or "")
        found.setdefault(name.strip(), {}).update(dict.fromkeys(labels))
    several |= any(len(labels) > 1 for labels in found.values())
    if not several and (joined := next((label for labels in found.values() for label in labels if ";" in label), None)):
        raise DataError(f"{str(path)!r} has the label {joined!r}: several labels of a picture are parted by {SEPARATOR!r}, not by ';'.")
    if not found:
        raise DataError(f"{str(path)!r} has a header and no rows; expected one row a picture.")
    if not several and (bare := next((name for name, labels in found.items() if not labels), None)):
        raise DataError(
            f"{str(path)!r}: {bare!r} has no {target!r}; expected a label for every picture (several are parted by {SEPARATOR!r})."
        )
    return [path.parent / name for name in found], [tuple(labels) for labels in found.values()], several
