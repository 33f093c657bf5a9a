"""Whether the first row of a table of texts names its columns, and what it calls them."""

from __future__ import annotations

import re

from applied_dl.text.columns import BODIES, TITLES, normal

HEAD = 100  # lines from which the separator and the header are seen
LONGEST_NAME, LONGEST_HEADING = 40, 4  # characters and words of a column's name
FEWEST = 3  # cells that show what a column holds
QUESTION = ("?", "？", "؟")
HEADS = frozenset(
    [*BODIES, *TITLES, "id", "label", "labels", "category", "class", "target", "tag", "tags", "topic", "sentiment", "intent", "anchor",
     "positive", "negative", "score", "rating", "date", "author", "user"]
)  # fmt: skip


def has_header(rows: list[list[str]], known: tuple[str, ...] = ()) -> bool:
    """Whether the first of some rows names the columns: short names, or names of any length above numbers or of questions, as surveys have
    them; none comes again as a cell below."""
    if not rows:
        return False
    head = [cell.strip() for cell in rows[0]]
    if {*known} & {*head}:
        return True
    if any(map(is_number, head)) or any(i < len(row) and row[i].strip() == cell for row in rows[1:] for i, cell in enumerate(head) if cell):
        return False
    if _above_numbers(head, rows[1:]) or _are_questions(head, rows[1:]):
        return True
    if not all(len(cell) < LONGEST_NAME for cell in head):
        return False
    if any(normal(cell) in HEADS for cell in head) or all(len(cell.split()) <= 1 for cell in head):
        return True
    below = _columns(len(head), rows[1:])
    unlike = [
        sum(map(is_number, cells)) > 0.9 * len(cells) or _mean_words(cells) > 2 * len(cell.split())
        for cell, cells in zip(head, below)
        if cells
    ]
    return any(unlike) and all(len(cell.split()) <= LONGEST_HEADING for cell in head)


def _above_numbers(head: list[str], rows: list[list[str]]) -> bool:
    """Whether a cell of words stands above a column of numbers or dates."""
    return any(
        len(cells) >= FEWEST and not re.search(r"\d", cell) and all(re.match(r"[\W_]*\d[\d\W]*\Z", below) for below in cells)
        for cell, cells in zip(head, _columns(len(head), rows))
        if re.search(r"[^\W\d_]", cell)
    )


def _are_questions(head: list[str], rows: list[list[str]]) -> bool:
    """Whether two cells or more end with a question mark, and those below them do not."""
    asked = [i for i, cell in enumerate(head) if cell.endswith(QUESTION)]
    below = _columns(len(head), rows)
    return len(asked) > 1 and all(len(below[i]) >= FEWEST and not any(cell.endswith(QUESTION) for cell in below[i]) for i in asked)


def _columns(count: int, rows: list[list[str]]) -> list[list[str]]:
    """The cells of each column that are not empty."""
    return [[row[i].strip() for row in rows if i < len(row) and row[i].strip()] for i in range(count)]


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
