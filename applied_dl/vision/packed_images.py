"""Parquet files that hold the bytes of images, as data sets of Hugging Face do: the images are written to the cache once, as files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl

from applied_dl.core.cache import cache_folder
from applied_dl.core.errors import DataError
from applied_dl.core.fingerprint import fingerprint

NAMES = "huggingface"  # the key of a Parquet file's metadata under which the names of classes are


def packed_frame(path: Path) -> pl.DataFrame | None:
    """The table with the path of a file in place of the bytes of each image, and names in place of numbers of classes; None without images.

    Raises:
        DataError: the file cannot be read, or a row has no image.
    """
    if path.suffix.lower() != ".parquet":
        return None
    try:
        schema = pl.read_parquet_schema(path)
        column = next((name for name, kind in schema.items() if _is_image(kind)), None)
        if column is None:
            return None
        frame, facts = pl.read_parquet(path), pl.read_parquet_metadata(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{str(path)!r} cannot be read as Parquet: {' '.join(str(error).split())[:150]}.") from None
    cells = frame[column]
    contents = (cells.struct.field("bytes") if isinstance(cells.dtype, pl.Struct) else cells).to_list()
    frame = frame.with_columns(pl.Series(column, _written(path, contents)))
    for name, classes in _class_names(facts).items():
        if name in frame.columns and frame[name].dtype.is_integer():
            frame = frame.with_columns(
                pl.Series(name, [classes[i] if i is not None and 0 <= i < len(classes) else None for i in frame[name]])
            )
    return frame.select([name for name, kind in frame.schema.items() if not _is_image(kind)])


def _is_image(kind) -> bool:
    return kind == pl.Binary or isinstance(kind, pl.Struct) and any(one.name == "bytes" and one.dtype == pl.Binary for one in kind.fields)


def _written(path: Path, contents: list[bytes | None]) -> list[str]:
    """The files of the images, written where they are not there yet."""
    stat = path.stat()
    folder = cache_folder() / "archives" / fingerprint(os.path.abspath(path), stat.st_size, stat.st_mtime_ns)[:32]
    files = [str(folder / f"{row}.image") for row in range(len(contents))]
    if not folder.exists():
        part = folder.with_suffix(f".{os.getpid()}.part")
        part.mkdir(parents=True, exist_ok=True)
        for row, content in enumerate(contents):
            if content is None:
                raise DataError(f"{str(path)!r}, row {row + 1}: there is no image; expected its bytes.")
            (part / f"{row}.image").write_bytes(content)
        part.rename(folder)
    return files


def _class_names(facts: dict[str, str]) -> dict[str, list[str]]:
    """The names of the classes of each column that has some."""
    try:
        features = json.loads(facts.get(NAMES, "{}")).get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        return {}
    return {name: one["names"] for name, one in features.items() if isinstance(one, dict) and isinstance(one.get("names"), list)}
