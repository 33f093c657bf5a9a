"""The rows of a delimited file of texts: its separator, lines above its header, and texts that hold the separator without quotes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from applied_dl.io.delimited import delimited_rows
from applied_dl.io.preamble import preamble_lines
from applied_dl.text.columns import BODIES, normal
from applied_dl.text.decoding import Reading, decoded, suffix_of
from applied_dl.text.heads import HEAD, HEADS

SEPARATORS = (",", ";", "\t", "|")
ONE = "\x1f"  # separates the cells of a table of one column: no cell holds it


def delimited_cells(path: Path, reading: Reading) -> Iterator[list[str]]:
    """The rows of a delimited file as texts, from its first one on; its separator is seen from its lines."""
    lines = decoded(path, reading, cut=False)
    some = list(itertools.islice(lines, HEAD))
    if some and some[0].lower().startswith("sep=") and len(some[0].strip()) == 5:  # a line that Excel writes and reads
        mark, some = some[0].strip()[4], some[1:]
    else:
        above = 0 if _bare(some) else preamble_lines("".join(f"{line}\n" for line in some), SEPARATORS)
        some, reading.skipped = some[above:], above
        mark = "\t" if suffix_of(path) != ".csv" else ONE if _bare(some) else separator_of(some)
    return _whole_rows(delimited_rows(path, itertools.chain(some, lines), mark, reading), mark, reading)


def separator_of(lines: list[str]) -> str:
    """What separates the cells of the first lines of a `.csv`: what the first line has, as often as most of the others."""

    def agreement(mark: str) -> tuple[float, int]:
        counts = [_outside_quotes(line).count(mark) for line in lines]
        return (sum(count == counts[0] for count in counts) / len(counts), counts[0]) if counts[0] else (0.0, 0)

    lines = [line for line in lines if line.strip()]
    best = max(SEPARATORS, key=agreement) if lines else ","
    if lines and agreement(",")[1] and agreement(best)[0] < 1.1 * agreement(",")[0]:
        return ","
    return best if lines and agreement(best)[1] else ","


def _bare(lines: list[str]) -> bool:
    """Whether lines are texts alone, under the name of their column."""
    return bool(lines) and normal(lines[0].strip().strip('"')) in HEADS and not any(mark in lines[0] for mark in SEPARATORS)


def _whole_rows(rows: Iterator[list[str]], mark: str, reading: Reading) -> Iterator[list[str]]:
    """Rows without those that name the columns again, with the text whole where it is not in quotes and holds what separates cells."""
    first = next(rows, [])
    yield first
    names = [normal(cell) for cell in first]
    named = sum(name in HEADS for name in names) >= min(2, len(names))
    bodies = [name for name in BODIES if name in names] if named else []
    for row in rows:
        surplus = len(row) - len(first)
        if surplus > 0 and bodies and any(cell.strip() for cell in row[len(first) :]):
            place = names.index(bodies[0])
            row = [*row[:place], mark.join(row[place : place + surplus + 1]), *row[place + surplus + 1 :]]
            reading.joined += 1
        if not named or row != first:
            yield row


def _outside_quotes(line: str) -> str:
    return "".join(part for i, part in enumerate(line.split('"')) if i % 2 == 0)
