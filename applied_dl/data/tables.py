"""A table from a file, a frame or rows → cells as texts, with what is wrong in it said by row and column."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import polars as pl
from msgspec import Struct

from applied_dl.errors import DataError, nearest

SEPARATORS = (",", ";", "\t", "|")
SUFFIXES = (".csv", ".tsv", ".txt", ".data", ".parquet", ".jsonl", ".ndjson", ".json")
MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-", "#n/a", "<na>")
BUILT_IN = ("diabetes", "breast_cancer", "wine")
HEAD = 65536  # bytes by which separator and encoding are guessed


class Table(Struct, frozen=True):
    """Cells as texts (null where empty), and where they come from. `first` is the file's line of row 0, for messages."""

    frame: pl.DataFrame
    source: str
    first: int = 2

    @property
    def columns(self) -> list[str]:
        return self.frame.columns

    def __len__(self) -> int:
        return self.frame.height

    def where(self, row: int) -> str:
        """How a row is named in a message."""
        return f"{self.source}, row {row + self.first}"


def read_table(source, separator: str | None = None) -> Table:
    """A built-in name, a path, a polars or pandas frame, a dict of columns or a list of rows. Raises `DataError` with one sentence."""
    if isinstance(source, Table):
        return source
    if isinstance(source, str | Path):
        if str(source) in BUILT_IN:
            return _built_in(str(source))
        return _checked(_from_file(Path(source).expanduser(), separator), str(source))
    if isinstance(source, pl.DataFrame):
        frame = source
    elif hasattr(source, "columns"):  # pandas, without needing pyarrow
        frame = _from_columns({str(name): source[name].tolist() for name in source.columns})
    elif isinstance(source, dict):
        rows = all(isinstance(v, list | tuple) or hasattr(v, "tolist") for v in source.values())
        frame = _from_columns({k: list(v) for k, v in source.items()}) if rows and source else _from_rows([source])
    else:
        frame = _from_rows(list(source))
    return _checked(_as_text(frame), "the table", first=0)


def _from_rows(rows: list) -> pl.DataFrame:
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(f"row {i}: expected a mapping of column names to cells, received {type(row).__name__}.")
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    return _from_columns({name: [row.get(name) for row in rows] for name in names})


def _from_columns(columns: dict[str, list]) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series(name, [_cell(v) for v in values], dtype=pl.String) for name, values in columns.items()})


def _cell(value) -> str | None:
    if value is None or value != value:
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value).encode("utf-8", "replace").decode("utf-8")  # lone surrogates


def _from_file(path: Path, separator: str | None) -> pl.DataFrame:
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if not os.path.exists(path):
        hint = nearest(str(path), BUILT_IN) if "/" not in str(path) and not kind else ""
        raise DataError(f"There is no table at {str(path)!r}; expected a built-in name ({', '.join(BUILT_IN)}) or a file.{hint}")
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder; expected one table ({', '.join(SUFFIXES)}).")
    try:
        if kind == ".parquet":
            return _as_text(pl.read_parquet(path))
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, pl.exceptions.PolarsError) as error:
        raise DataError(f"The table {str(path)!r} cannot be read: {str(error).splitlines()[0]}.") from error
    if kind in (".jsonl", ".ndjson", ".json"):
        return _from_json(raw, path)
    return _from_csv(raw, path, separator)


def _from_json(raw: bytes, path: Path) -> pl.DataFrame:
    try:
        text = raw.decode("utf-8-sig")
        if text.lstrip().startswith("["):
            return _from_rows(json.loads(text))
        return _from_rows([json.loads(line) for line in text.splitlines() if line.strip()])
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"The table {str(path)!r} is not valid JSON (one object a line, or a list of objects): {error}.") from error


def _from_csv(raw: bytes, path: Path, separator: str | None) -> pl.DataFrame:
    if not raw.strip():
        raise DataError(f"The table {str(path)!r} is empty; expected a header and rows.")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"The table {str(path)!r} is UTF-16; save it as UTF-8.")
    if b"\0" in raw[:HEAD]:
        raise DataError(f"The table {str(path)!r} holds NUL bytes; it is no text file, or a damaged one.")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(f"The table {str(path)!r} is not UTF-8 (line {line}); save it as UTF-8.") from None
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\n" not in raw:  # lines end as on an old Macintosh
        raw = raw.replace(b"\r", b"\n")
    try:
        frame = pl.read_csv(
            raw, separator=separator or _separator(raw), infer_schema=False, truncate_ragged_lines=False, null_values=None, quote_char='"'
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"The table {str(path)!r} is damaged: a row has more cells than the header, or a quote is not closed ({_first(error)})."
        ) from error
    for name in frame.columns:  # which polars has renamed without a word
        first = re.sub(r"_duplicated_\d+$", "", name)
        if first != name and first in frame.columns:
            raise DataError(f"The table {str(path)!r} has two columns of the name {first!r}; rename one.")
    return frame


def _first(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:160]


def _separator(raw: bytes) -> str:
    """The one that cuts the header into most cells, quoted parts apart."""
    header = raw[:HEAD].decode("utf-8", "ignore").splitlines()[0]
    bare = "".join(part for i, part in enumerate(header.split('"')) if i % 2 == 0)
    return max(SEPARATORS, key=bare.count)


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    for name, kind in frame.schema.items():
        if kind.is_nested():
            raise DataError(f"Column {name!r} holds {kind}; expected one number or text a cell.")
    return frame.select(pl.all().cast(pl.String, strict=False))


def _checked(frame: pl.DataFrame, source: str, first: int = 2) -> Table:
    """Cells stripped, missing ones null; refuses a table without rows, columns or names."""
    names = [name.strip() for name in frame.columns]
    if twins := [name for name in names if names.count(name) > 1]:
        raise DataError(f"{source} has two columns of the name {twins[0]!r}; rename one.")
    if frame.width and frame.columns != names:
        frame = frame.rename(dict(zip(frame.columns, names)))
    if not frame.width or not frame.height:
        raise DataError(f"{source} has {frame.height} rows and {frame.width} columns; expected a header and at least one row.")
    text = pl.all().str.strip_chars()
    frame = frame.select(pl.when(text.str.to_lowercase().is_in(MISSING)).then(None).otherwise(text).name.keep())
    return Table(frame, source, first)


def _built_in(name: str) -> Table:
    """Real data that scikit-learn brings: diabetes (Efron et al., 2004), breast cancer (Wolberg, 1995) and wine (Forina, 1991)."""
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    frame = pl.DataFrame({label: data.data[:, i] for i, label in enumerate(map(str, data.feature_names))})
    truth = data.target if name == "diabetes" else [str(data.target_names[i]) for i in data.target]
    return Table(frame.with_columns(pl.Series("target", truth)).select(pl.all().cast(pl.String)), name)
