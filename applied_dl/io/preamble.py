"""Lines above a table: comments, a title, the name of an export. They are recognised by their cells, and skipped."""

from __future__ import annotations

MOST = 30  # lines that are looked at
LEAST_ROWS = 3  # rows of one width that must follow


def preamble_lines(head: str, separators: tuple[str, ...]) -> int:
    """How many lines precede the header: 0 for the usual file.

    A line precedes the table where it has one filled cell at most (`# exported 2024-01-01`, `Sales report;;;`, an empty line) while the
    lines below agree on a width of two cells or more. A header that begins with `#` has the width of the rows, and stays.

    Args:
        head: the beginning of the file, with line ends.
        separators: the characters that may separate cells.

    Example:
        >>> preamble_lines("# station 7\\nday,rain\\n1,2\\n2,0\\n3,1\\n", (",",))
        1
    """
    lines = head.split("\n")[: MOST + 2 * LEAST_ROWS]
    lines = lines[:-1] if len(lines) > 1 else lines
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
                return 0 if named else count
        return 0
    return 0


def _looks_like_row(line: str, separators: tuple[str, ...]) -> bool:
    """Whether a line has two filled cells or more; of a comment, whether it could still be a header."""
    line = line.strip()
    if '"' in line:
        return True  # quoted cells may hold separators: never skipped
    filled = max(sum(bool(cell.strip()) for cell in line.split(separator)) for separator in separators)
    if line.startswith(("#", "//")):
        return not line.startswith(("# ", "//", "##")) and filled > 1
    return filled > 1
