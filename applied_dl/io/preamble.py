"""Lines above a table: comments, a title, the name of an export. They are recognised by their cells, and skipped."""

from __future__ import annotations

import csv

MOST = 30  # lines that are looked at
LEAST_ROWS = 3  # rows of one width that must follow


def preamble_lines(head: str, separators: tuple[str, ...]) -> int:
    """How many lines precede the header: 0 for the usual file.

    A line precedes the table where it has one filled cell at most (`# exported 2024-01-01`, `Sales report;;;`, an empty line) while the
    lines below agree on a width of two cells or more. So do all lines above an empty one where none has the width of those below, and a
    line of groups of columns (`Before,,After,`) above the names. A header that begins with `#` has the width of the rows, and stays.

    Args:
        head: the beginning of the file, with line ends.
        separators: the characters that may separate cells.

    Example:
        >>> preamble_lines("# station 7\\nday,rain\\n1,2\\n2,0\\n3,1\\n", (",",))
        1
    """
    lines = head.split("\n")[: MOST + 2 * LEAST_ROWS]
    lines = lines[:-1] if len(lines) > 1 else lines
    if len(lines) > LEAST_ROWS and (count := _above_blank(lines, separators) or _group_names(lines, separators)):
        return count
    if len(lines) <= LEAST_ROWS or _looks_like_row(lines[0], separators):
        return 0
    for count in range(1, min(MOST, len(lines) - LEAST_ROWS)):
        if not _looks_like_row(lines[count], separators):
            continue
        rows = [line.rstrip("\r") for line in lines[count:] if line.strip()]
        for separator in separators:
            widths = {line.count(separator) for line in rows}
            if len(rows) > LEAST_ROWS and len(widths) == 1 and (width := widths.pop()) >= 1:
                # in a table of two columns, `,rain` is a header whose first name is empty
                named = width == 1 and any(line.count(separator) == 1 and line.strip(separator + " \r") for line in lines[:count])
                return 0 if named else count - _names_the_last(lines[count - 1].rstrip("\r"), separator, width)
        return 0
    return 0


def _names_the_last(line: str, separator: str, width: int) -> bool:
    """Whether a line is a header that names its last column alone, as pandas writes an index of several columns: `,,value`."""
    return line.count(separator) == width and line.startswith(separator) and not line.endswith(separator)


def _looks_like_row(line: str, separators: tuple[str, ...]) -> bool:
    """Whether a line has two filled cells or more; of a comment, whether it could still be a header."""
    line = line.strip()
    if '"' in line:
        return True  # quoted cells may hold separators: never skipped
    filled = max(sum(bool(cell.strip()) for cell in line.split(separator)) for separator in separators)
    if line.startswith(("#", "//")):
        return not line.startswith(("# ", "//", "##")) and filled > 1
    return filled > 1


def _above_blank(lines: list[str], separators: tuple[str, ...]) -> int:
    """The number of lines up to the first empty one of which those below agree on a width that none above has."""
    for blank in (i for i, line in enumerate(lines) if i and not line.strip(" \r" + "".join(separators))):
        rows = [line for line in lines[blank + 1 :] if line.strip()]
        for separator in separators if len(rows) > LEAST_ROWS else ():
            widths = set(_widths(rows, separator))
            if len(widths) == 1 and min(widths) > 1 and widths.isdisjoint(_widths(lines[:blank], separator)):
                return blank + 1
    return 0


def _widths(lines: list[str], separator: str) -> list[int]:
    """Cells of each line; what stands in quotes is one."""
    csv.field_size_limit(2**31 - 1)
    return [len(next(csv.reader([line.replace("\r", " ")], delimiter=separator), ())) for line in lines]


def _group_names(lines: list[str], separators: tuple[str, ...]) -> int:
    """1 where line 1 names groups of columns: it has empty cells beside the first, and a full line of names follows, then a column of
    numbers."""
    for separator in separators:
        above, names, *rows = ([cell.strip() for cell in line.split(separator)] for line in lines[: 2 + LEAST_ROWS])
        if not 2 < len(above) == len(names) or any(len(row) != len(names) for row in rows) or all(above[1:]) or not all(names):
            continue
        numbers = any(all(map(_has_digit_first, cells)) for cells in zip(*rows))
        if sum(map(bool, above)) > 1 and not any(map(_has_digit_first, (*above, *names))) and numbers:
            return 1
    return 0


def _has_digit_first(cell: str) -> bool:
    return cell.lstrip('+-−."')[:1].isdigit()
