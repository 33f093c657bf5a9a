"""Text as a stream of lines: a file, a folder of files, a column of a table, compressed or not, in constant memory.

Empty lines are skipped; how bytes become text is stated in `decoding`, how tables are read in `tables`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from applied_dl.core.errors import DataError, nearest
from applied_dl.text.decoding import Reading, decoded, suffix_of
from applied_dl.text.tables import TABLES
from applied_dl.text.text_columns import text_column

BUILT_IN = {"english": "english.txt.bz2"}  # 0.5 million words of Wikipedia, CC BY-SA; see english.LICENSE.md beside it
TEXTS = (".txt", ".text", ".md", ".rst", "", *TABLES)


def lines(
    source: str | Path, column: str | tuple[str, ...] | None = None, reading: Reading | None = None, every: bool = False
) -> Iterator[str]:
    """The non-empty lines of a text, stripped, one at a time.

    Args:
        source: "english" (built in), a text file, a table, or a folder of both, each also as `.gz`, `.bz2` or `.xz`.
        column: of a table; several are joined. By default it is found by names and cells.
        reading: counts what was read and what was repaired.
        every: keep empty lines too, and do not cut lines longer than 1 MiB.

    Raises:
        DataError: where nothing can be read.
    """
    reading = Reading() if reading is None else reading
    for path in files(source):
        reading.files += 1
        table = suffix_of(path) in TABLES
        for line in text_column(path, column, reading) if table else decoded(path, reading, cut=not every):
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
    found = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".") and suffix_of(p) in TEXTS)
    if not found:
        known = ", ".join(t or "(no suffix)" for t in TEXTS)
        raise DataError(f"The folder {str(path)!r} holds no text file; expected {known}, also compressed.")
    return found
