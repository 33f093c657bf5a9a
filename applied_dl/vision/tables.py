"""Tables that name images: which column does, and the file of each row."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl

from applied_dl.core.errors import DataError, nearest
from applied_dl.io.cells import as_levels
from applied_dl.io.parts import part_column
from applied_dl.io.sheets import WORKBOOKS, read_workbook
from applied_dl.io.table_files import SUFFIXES, read_cells
from applied_dl.vision.packed_images import packed_frame
from applied_dl.vision.paths import ImageIndex

IMAGE_FILE = re.compile(r"\.(jpe?g|png|gif|bmp|tiff?|webp|avif|jfif|heic|ppm|pgm)$", re.IGNORECASE)
BY_NAME = (".json", ".jsonl", ".ndjson", ".parquet")  # formats whose columns always have names
TABLES = (*SUFFIXES, *WORKBOOKS, ".gz")
SAMPLED = 300  # rows by which the path column is found
FOUND = 0.5  # share of them that must name a file
PATH_COLUMNS = (
    "path", "file", "filename", "file_name", "image", "image_path", "filepath", "file_path", "picture", "img", "image_name", "imagename",
    "image_file", "img_path", "img_name", "image_id", "imageid", "img_id", "id", "name", "photo", "uri",
)  # fmt: skip


def image_paths(path: Path, column: str | None = None) -> list[Path]:
    """The images that a table names. Raises `DataError` where it names none."""
    frame = read_frame(path)
    _, found = find_paths(frame, path, column)
    if not found:
        raise DataError(f"{str(path)!r} names no image; expected one row per image.")
    return found


def read_frame(path: Path) -> pl.DataFrame:
    """A table whose rows name images; a first line that names one is a row, not a header."""
    if path.suffix.lower() in WORKBOOKS:
        return read_workbook(path)[0]
    if (packed := packed_frame(path)) is not None:
        return packed
    frame = read_cells(path, header="guess").frame
    files = sum(bool(IMAGE_FILE.search(name.strip())) for name in frame.columns)
    if frame.height == 1 and files == frame.width:  # {"a.jpg": "cat", "b.jpg": "dog"}
        return pl.DataFrame({"path": frame.columns, "label": [str(cell) for cell in frame.row(0)]})
    if frame.height == 1 and path.suffix.lower() == ".json" and not any(IMAGE_FILE.search(str(cell)) for cell in frame.row(0)):
        shown = ", ".join(map(repr, frame.columns[:4]))
        raise DataError(
            f"{str(path)!r} holds one object ({shown}, …), not rows of images and labels; expected a list of objects such as "
            '{"image": "a.jpg", "label": "cat"}, or one object {"a.jpg": "cat", …}.'
        )
    if files and path.suffix.lower() not in BY_NAME:  # the first line is a row: no image may be lost as a header
        frame = read_cells(path, header=False).frame
    return frame.rename({name: name.strip() for name in frame.columns})


def find_paths(
    frame: pl.DataFrame, path: Path, wanted: str | None = None, targets: tuple[str, ...] = (), key: str = "data.path"
) -> tuple[str, list[Path]]:
    """The column that names the images, and the file of each row; a name without a file stays as written, an empty cell is refused."""
    index = ImageIndex(path.parent)
    column = wanted or _path_column(frame, path, index, targets, key)
    if column not in frame.columns:
        raise DataError(f"{str(path)!r} has no column {column!r} ({key}).{nearest(column, frame.columns)}")
    index.ambiguous.clear()
    found: list[Path] = []
    for row, cell in enumerate(as_levels(frame[column]).to_list(), start=2):
        if cell is None or not cell.strip():
            raise DataError(f"{str(path)!r}, row {row}: the cell of {column!r} is empty; expected the path of an image.")
        found.append(index.find(cell) or path.parent / cell.strip().replace("\\", "/"))
    if index.ambiguous:
        text, files = next(iter(index.ambiguous.items()))
        shown = " and ".join(repr(file.relative_to(path.parent).as_posix()) for file in files[:2])
        raise DataError(f"{str(path)!r}: {text!r} in the column {column!r} may be {shown}; write the folder too.")
    return column, found


def _path_column(frame: pl.DataFrame, path: Path, index: ImageIndex, targets: tuple[str, ...], key: str) -> str:
    """The column whose cells name the most files; of a table without files, the one with a usual name."""
    best, most = "", 0
    sample = frame[np.unique(np.linspace(0, max(frame.height - 1, 0), min(frame.height, SAMPLED)).astype(int))] if frame.height else frame
    candidates = [name for name in frame.columns if name not in targets]
    named = [name for name in candidates if _are_files(sample[name])]
    candidates = named or candidates  # names with the ending of an image are no coincidence, as numbers may be
    for name in sorted(candidates, key=lambda n: (n.lower() not in PATH_COLUMNS, candidates.index(n))):
        cells = [cell for cell in as_levels(sample[name]).to_list() if cell]
        files = {str(file) for cell in cells if (file := index.find(cell))} | {cell for cell in cells if cell.strip() in index.ambiguous}
        if len(files) > most and len(files) >= FOUND * len(set(cells)):
            best, most = name, len(files)
    if best:
        return best
    for name in candidates:
        if name.lower() in PATH_COLUMNS:
            return name
    shown = ", ".join(map(repr, frame.columns[:10]))
    raise DataError(
        f"{str(path)!r} has no column of image paths: no column names files in {str(path.parent)!r}; received {shown}. Set "
        f"{key} to the column, and put the table beside its images."
    )


def _are_files(cells: pl.Series) -> bool:
    texts = [cell.strip() for cell in as_levels(cells).to_list() if cell and cell.strip()]
    return bool(texts) and sum(bool(IMAGE_FILE.search(text)) for text in texts) >= FOUND * len(texts)


def split_column(frame: pl.DataFrame, taken: tuple) -> str | None:
    """The column that says which part each row belongs to, if there is one."""
    return part_column([name for name in frame.columns if name not in taken], lambda name: as_levels(frame[name]).unique())
