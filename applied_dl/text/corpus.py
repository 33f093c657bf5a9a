"""Text as a stream of lines: a file, a folder of files, a column of a table, compressed or not, in constant memory.

Empty lines are skipped; how bytes become text is stated in `decoding`, how tables are read in `tables`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from applied_dl.core.errors import DataError, nearest
from applied_dl.text.decoding import BLOCK, Reading, decoded, suffix_of
from applied_dl.text.tables import TABLES
from applied_dl.text.text_columns import text_column

BUILT_IN = {"english": "english.txt.bz2"}  # 0.5 million words of Wikipedia, CC BY-SA; see english.LICENSE.md beside it
TIMES = re.compile(r"\s*(\d+:)?\d\d:\d\d[.,]\d{3}\s+-->")  # of a line of subtitles
SAMPLE, LEAST = 1000, 20  # lines that show whether a text is wrapped, and how many it needs
WIDEST, NEAR = 120, 0.75  # characters of a wrapped line, and the share of its width that most lines have
FULL = 0.5  # share of the lines of a paragraph that the next word does not fit on
ENDS = (".", "!", "?", '."', '!"', '?"', ".”", "…", ":", ";")
TEXTS = (".txt", ".text", ".md", ".rst", ".srt", ".vtt", "", *TABLES)


def lines(
    source: str | Path,
    column: str | tuple[str, ...] | None = None,
    reading: Reading | None = None,
    every: bool = False,
    sheet: str | None = None,
) -> Iterator[str]:
    """The non-empty lines of a text, stripped, one at a time.

    Args:
        source: "english" (built in), a text file, a table, or a folder of both, each also as `.gz`, `.bz2` or `.xz`.
        column: of a table; several are joined. By default it is found by names and cells.
        reading: counts what was read and what was repaired.
        every: keep empty lines too, and do not cut lines longer than 1 MiB.
        sheet: of a workbook.

    Raises:
        DataError: where nothing can be read.
    """
    reading = Reading() if reading is None else reading
    for path in files(source):
        reading.files += 1
        table = suffix_of(path) in TABLES
        read = text_column(path, column, reading, sheet) if table else decoded(path, reading, cut=not every)
        for line in read if table or every else spoken(read):
            if (line := line.strip()) or every:
                reading.lines += 1
                yield line


def paragraphs(
    source: str | Path, column: str | tuple[str, ...] | None = None, reading: Reading | None = None, sheet: str | None = None
) -> Iterator[str]:
    """The texts of `lines`, where those of a file that is wrapped at a width, as books and mails are, are joined up to an empty line."""
    reading = Reading() if reading is None else reading
    for path in files(source):
        if suffix_of(path) in TABLES:
            yield from lines(path, column, reading, sheet=sheet)
            continue
        reading.files += 1
        for text in unwrapped((line.strip() for line in spoken(decoded(path, reading, cut=True))), reading):
            reading.lines += 1
            yield text


def first_of(lines: Iterator[str], count: int) -> list[str]:
    """The next lines, at most so many and no more than `BLOCK` characters but for the last."""
    some, size = [], 0
    for line in itertools.islice(lines, count):
        some.append(line)
        size += len(line)
        if size > BLOCK:
            break
    return some


def spoken(found: Iterator[str]) -> Iterator[str]:
    """The lines of a text; of subtitles (SubRip, WebVTT) the spoken ones, without numbers and times."""
    some = first_of(found, SAMPLE)
    rest = itertools.chain(some, found)
    if not any(TIMES.match(line) for line in some):
        yield from rest
        return
    number = ""  # a line of digits, which numbers what follows where times come next
    for line in map(str.strip, rest):
        timed = bool(TIMES.match(line))
        if number and not timed:
            yield number
        number = line if line.isdigit() else ""
        if not timed and not number and not line.startswith("WEBVTT"):
            yield line
    if number:
        yield number


def unwrapped(found: Iterator[str], reading: Reading) -> Iterator[str]:
    """The lines of a text that are not empty, joined where their widths show that it is wrapped.

    Example:
        >>> text = ["It was late in the year when we came to the", "house, and because nobody was there we had to"] * 20
        >>> len(list(unwrapped(iter([*text, "", *text]), Reading())))
        2
    """
    some = first_of(found, SAMPLE)
    rest = itertools.chain(some, found)
    if not is_wrapped(some):
        yield from (line for line in rest if line)
        return
    held: list[str] = []
    for line in itertools.chain(rest, [""]):
        if line and sum(map(len, held)) < BLOCK:
            held.append(line)
            continue
        if held:
            reading.wrapped += len(held) - 1
            yield " ".join(held)
        held = [line] if line else []


def is_wrapped(some: list[str]) -> bool:
    """Whether most lines end near one width without the end of a sentence, and the first word of the next line would not fit on them."""
    filled = [line for line in some if line]
    if len(filled) < LEAST:
        return False
    width = sorted(map(len, filled))[int(0.9 * len(filled))]
    near = [line for line in filled if NEAR * width <= len(line) <= width / NEAR]
    open_ = sum(not line.endswith(ENDS) for line in near)
    pairs = [(line, following) for line, following in itertools.pairwise(some) if line and following]
    full = sum(len(line) + 1 + len(following.split()[0]) > width for line, following in pairs)
    return 30 < width <= WIDEST and len(near) > 0.6 * len(filled) and open_ > 0.6 * len(near) and full > FULL * len(pairs)


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
