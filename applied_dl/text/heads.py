"""Whether the first row of a table of texts names its columns, and what it calls them."""

from __future__ import annotations

from applied_dl.text.columns import BODIES, TITLES, normal

HEAD = 100  # lines from which the separator and the header are seen
LONGEST_NAME, LONGEST_HEADING = 40, 4  # characters and words of a column's name
HEADS = frozenset(
    [*BODIES, *TITLES, "id", "label", "labels", "category", "class", "target", "tag", "tags", "topic", "sentiment", "intent", "anchor",
     "positive", "negative", "score", "rating", "date", "author", "user"]
)  # fmt: skip


def has_header(rows: list[list[str]], known: tuple[str, ...] = ()) -> bool:
    """Whether the first of some rows names the columns: short names, of which none comes again as a cell below."""
    if not rows:
        return False
    head = [cell.strip() for cell in rows[0]]
    if {*known} & {*head}:
        return True
    if not all(len(cell) < LONGEST_NAME and not is_number(cell) for cell in head):
        return False
    if any(i < len(row) and row[i].strip() == cell for row in rows[1:] for i, cell in enumerate(head) if cell):
        return False
    if any(normal(cell) in HEADS for cell in head) or all(len(cell.split()) <= 1 for cell in head):
        return True
    below = [[row[i].strip() for row in rows[1:] if i < len(row) and row[i].strip()] for i in range(len(head))]
    unlike = [
        sum(map(is_number, cells)) > 0.9 * len(cells) or _mean_words(cells) > 2 * len(cell.split())
        for cell, cells in zip(head, below)
        if cells
    ]
    return any(unlike) and all(len(cell.split()) <= LONGEST_HEADING for cell in head)


def column_names(row: list[str]) -> list[str]:
    """The names of a header; a column without one is called by its place."""
    return [cell.strip() or f"column_{i + 1}" for i, cell in enumerate(row)]


def _mean_words(cells: list[str]) -> float:
    return sum(len(cell.split()) for cell in cells) / len(cells)


def is_number(cell: str) -> bool:
    """Whether a cell is a number in programming notation."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
