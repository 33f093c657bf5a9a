"""Text as a stream of lines: a file, a folder of files, a column of a table, compressed or not, in constant memory.

Handling: UTF-8, with or without a byte-order mark; bytes that are not UTF-8 and NUL bytes become a space and are
counted; a line longer than 1 MiB is cut at a space; empty lines are skipped. UTF-16 and binary files are refused.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from applied_dl.core.errors import DataError, nearest
from applied_dl.io.delimited import delimited_rows

BUILT_IN = {"english": "english.txt.bz2"}  # 0.5 million words of Wikipedia, CC BY-SA; see english.LICENSE.md beside it
OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
TABLES = (".csv", ".tsv", ".parquet", ".jsonl")
TEXTS = (".txt", ".text", ".md", ".rst", ".csv", ".tsv", ".parquet", ".jsonl", "")
TEXT = ("text", "sentence")  # what a table's column of text is called, where there are others
BLOCK = 2**20  # bytes read at a time, and the longest line
TABLE_ROWS = 50_000  # rows of a Parquet column read at a time
BINARY_SHARE = 0.1  # a file whose first block holds more NUL bytes than this is no text


class Reading(Struct):
    """Counts of what was read and mended; filled while the lines are read."""

    files: int = 0
    bytes: int = 0
    lines: int = 0
    bad_bytes: int = 0
    nul_bytes: int = 0
    cut_lines: int = 0
    stray_quotes: int = 0
    swallowed: int = 0

    def warnings(self) -> list[str]:
        """What the user should know, one sentence each."""
        found = []
        if self.bad_bytes:
            found.append(f"{self.bad_bytes:,} places of the text are not UTF-8; each was read as a space.")
        if self.nul_bytes:
            found.append(f"{self.nul_bytes:,} NUL bytes of the text were read as spaces.")
        if self.cut_lines:
            found.append(f"{self.cut_lines:,} times a line longer than {BLOCK:,} bytes was cut at a space.")
        if self.stray_quotes:
            found.append(f"{self.stray_quotes:,} rows have a quotation mark that nothing closes; each was read as it stands.")
        if self.swallowed:
            found.append(
                f"{self.swallowed:,} cells in quotes hold line breaks and look like several rows; each was read as one cell. Double a "
                "quotation mark that is part of a text."
            )
        return found


def lines(source: str | Path, column: str | None = None, reading: Reading | None = None, every: bool = False) -> Iterator[str]:
    """The non-empty lines of a text, stripped, one at a time; `every` keeps empty ones too, and those beyond `BLOCK` whole.

    source: "english" (built in), a text file, a folder of files, or a `.csv`, `.tsv`, `.jsonl` or `.parquet` file, each also as
    `.gz`, `.bz2` or `.xz`. column: of a table; its only text column, or the one named `text`, by default.
    Raises `DataError` where nothing can be read.
    """
    reading = Reading() if reading is None else reading
    for path in files(source):
        reading.files += 1
        for line in _lines_of(path, column, reading, every):
            if (line := line.strip()) or every:
                reading.lines += 1
                yield line


def files(source: str | Path) -> list[Path]:
    """The files behind a source, sorted by name. Raises `DataError` where there are none."""
    if str(source) in BUILT_IN and not Path(source).exists():
        return [Path(__file__).parents[1] / "datasets" / BUILT_IN[str(source)]]
    path = Path(source)
    if path.is_file():
        return [path]
    if not path.exists():
        hint = nearest(str(source), BUILT_IN)
        raise DataError(f"There is no text at {str(source)!r}: expected a file, a folder or the built-in name.{hint}")
    found = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".") and kind(p) in TEXTS)
    if not found:
        known = ", ".join(t or "(no suffix)" for t in TEXTS)
        raise DataError(f"The folder {str(path)!r} holds no text file; expected {known}, also compressed.")
    return found


def kind(path: Path) -> str:
    """The suffix that says how a file is read, without that of its compression."""
    name = path.with_suffix("") if path.suffix.lower() in OPENERS else path
    return name.suffix.lower()


def _lines_of(path: Path, column: str | None, reading: Reading, every: bool) -> Iterator[str]:
    suffix = kind(path)
    if suffix == ".parquet":
        return _parquet(path, column, reading)
    text = decoded(path, reading, cut=suffix not in TABLES and not every)
    if suffix in (".csv", ".tsv"):
        return _delimited(path, text, column, "\t" if suffix == ".tsv" else ",", reading)
    return _json_lines(path, text, column) if suffix == ".jsonl" else text


def decoded(path: Path, reading: Reading, cut: bool) -> Iterator[str]:
    """Lines as text, without their line break; cut: into pieces of at most `BLOCK` bytes where a line is longer."""
    rest, held, first = b"", [], True
    for block in _blocks(path):
        reading.bytes += len(block)
        if first:
            block, first = _checked(path, block), False
        if not cut and b"\n" not in block:
            held.append(block)
            continue
        block, held = b"".join((rest, *held, block)), []
        end = block.rfind(b"\n") + 1
        if end == 0 and cut and len(block) >= BLOCK:  # one huge line: cut it at its last space, or at a character's edge
            end = max(block.rfind(b" ") + 1, 0) or _edge(block)
            reading.cut_lines += 1
        rest = block[end:]
        if end:
            yield from _text(block[:end], reading)
    if rest := b"".join((rest, *held)):
        yield from _text(rest, reading)


def _text(block: bytes, reading: Reading) -> list[str]:
    if b"\0" in block:
        reading.nul_bytes += block.count(b"\0")
        block = block.replace(b"\0", b" ")
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError:
        text = block.decode("utf-8", errors="replace")
        reading.bad_bytes += text.count("\ufffd")
        text = text.replace("\ufffd", " ")
    return text.removesuffix("\n").split("\n")


def _edge(block: bytes) -> int:
    """The last place where no UTF-8 character is cut in two."""
    end = len(block)
    while end > len(block) - 4 and block[end - 1] & 0xC0 == 0x80:
        end -= 1
    return end - 1 if block[end - 1] >= 0xC0 else end


def _checked(path: Path, block: bytes) -> bytes:
    if block[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{str(path)!r} is UTF-16 text; expected UTF-8. Convert it first: iconv -f UTF-16 -t UTF-8.")
    if block.count(b"\0") > BINARY_SHARE * len(block):
        raise DataError(f"{str(path)!r} is no text: {block.count(0):,} of its first {len(block):,} bytes are NUL; expected UTF-8 text.")
    return block.removeprefix(b"\xef\xbb\xbf")


def _blocks(path: Path) -> Iterator[bytes]:
    opener = OPENERS.get(path.suffix.lower(), open)
    try:
        with opener(path, "rb") as file:
            while block := file.read(BLOCK):
                yield block
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"The text {str(path)!r} cannot be read: {error or 'it ends in the middle'}.") from error


def json_rows(path: Path, text: Iterator[str]) -> Iterator[tuple[int, object]]:
    """Row number and value of every line that is not empty. Raises `DataError` for one that is no JSON."""
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{str(path)!r}, row {number}: not JSON: {error}.") from error


def _delimited(path: Path, text: Iterator[str], column: str | None, delimiter: str, reading: Reading) -> Iterator[str]:
    rows = delimited_rows(path, text, delimiter, reading)
    header = [name.strip() for name in next(rows, [])]
    place = header.index(_chosen(path, column, header))
    for row in rows:
        if row:
            yield " ".join(row[place].split("\n")) if place < len(row) else ""


def _json_lines(path: Path, text: Iterator[str], column: str | None) -> Iterator[str]:
    chosen, names = None, {}
    for number, row in json_rows(path, text):
        if not isinstance(row, dict):
            raise DataError(f"{str(path)!r}, row {number}: expected a JSON object, received {type(row).__name__}.")
        if chosen is None:
            names |= dict.fromkeys(key for key, value in row.items() if isinstance(value, str))
            if names and (column is None or column in names):
                chosen = _chosen(path, column, list(names))
        value = row.get(chosen)  # a row without a text keeps its place
        yield " ".join(str(value or "").split("\n"))
    if chosen is None:
        _chosen(path, column, list(names))


def _parquet(path: Path, column: str | None, reading: Reading) -> Iterator[str]:
    import polars as pl

    try:
        table = pl.scan_parquet(path)
        schema = table.collect_schema()
        name = _chosen(path, column, [n for n, t in schema.items() if n == column or t == pl.String])
        reading.bytes += path.stat().st_size
        start = 0
        while len(rows := table.select(pl.col(name).cast(pl.String)).slice(start, TABLE_ROWS).collect()):
            yield from (" ".join((text or "").split("\n")) for text in rows[name].to_list())
            start += TABLE_ROWS
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"The table {str(path)!r} cannot be read: {error}.") from error


def _chosen(path: Path, column: str | None, names: list[str]) -> str:
    """The column to read."""
    if column is not None:
        if column in names:
            return column
        raise DataError(f"{str(path)!r} has no text column {column!r}.{nearest(column, names or ['(none)'])}")
    if len(names) == 1:
        return names[0]
    for name in TEXT:
        if name in names:
            return name
    listed = ", ".join(names[:8])
    raise DataError(f"{str(path)!r} has {len(names)} columns ({listed}); name the one that holds the text: data.column.")
