"""Which columns of a table hold written texts, seen from their cells: the sides of pairs, texts beside others, words with their tags."""

from __future__ import annotations

import os
import re

from applied_dl.tasks.sentences.readers.label_columns import are_labels, cells_of, column_count, column_name
from applied_dl.tasks.sentences.readers.pair_columns import NEGATIVE, finite
from applied_dl.text.columns import META, SAMPLE, SHOWING, TITLE_WORDS, WORDY, cell_text, normal, place_of, words_of
from applied_dl.text.tables import Table

DERIVED = frozenset((  # words of names of columns that hold another column's text once more
    "clean", "cleaned", "processed", "preprocessed", "lemmatized", "lemmas", "stemmed", "tokens", "tokenized", "normalized",
))  # fmt: skip
MOST_CELLS = 5  # of a row that is written as a list
SAME_BEGIN = 10  # characters


def are_rows(table: Table) -> bool:
    """Whether lists of texts are rows of a table, [text, label] each, rather than sets of paraphrases."""
    if len({len(row) for row in table.rows}) > 1 or not 2 <= len(table.rows[0]) <= MOST_CELLS:
        return False
    return any(are_labels(cells_of(table, i)) for i in range(len(table.rows[0])))


def label_words(table: Table, texts, labels: tuple[int, ...]) -> bool:
    """Whether texts are lists of words, and labels lists of the same lengths."""
    if len(texts) != 1 or len(labels) != 1:
        return False
    rows = [(row[texts[0]], row[labels[0]]) for row in table.rows[:SAMPLE] if max(*texts, *labels) < len(row)]
    lists = [(len(words), len(tags)) for words, tags in rows if isinstance(words, list) and isinstance(tags, list)]
    return bool(lists) and len(lists) == len(rows) and all(words == tags for words, tags in lists)


def are_sides(table: Table, width: int, apart: tuple[int, ...]) -> bool:
    """Whether all columns are two sides of pairs or, without names or with one for the negatives, those of triplets; none of numbers or
    labels."""
    if width == 3 and table.header and place_of(NEGATIVE, table.header) is None:
        return False
    places = [i for i in range(column_count(table)) if i not in apart]
    filled = [[cell for cell in cells_of(table, i) if cell not in (None, "")] for i in places]
    return width in (2, 3) and not any(cells and (all(finite(cell) is not None for cell in cells) or are_labels(cells)) for cells in filled)


def written_beside(table: Table, texts: list[int], apart: tuple[int, ...]) -> list[int]:
    """Columns beside the texts that hold written texts too, longer than names and most of them different."""
    places = [i for i in wordy(table) if i not in (*texts, *apart) and not META & {normal(column_name(table, i))}]
    places = [i for i in places if not DERIVED & {*normal(column_name(table, i)).split("_")}]
    return [i for i in places if words_of([*filter(None, map(cell_text, cells_of(table, i)))]) >= WORDY]


def wordy(table: Table) -> list[int]:
    """Columns without names that hold texts of several words, most of them different."""
    found = []
    for i in range(column_count(table)):
        cells = [*filter(None, map(cell_text, cells_of(table, i)))]
        if cells and not are_labels(cells) and words_of(cells) >= TITLE_WORDS and len({*cells}) > 0.2 * len(cells):
            found.append(i)
    dates = [
        i for i in found if sum(bool(re.search(r"\d\d:\d\d", str(row[i]))) for row in table.rows if i < len(row)) > 0.5 * len(table.rows)
    ]
    return [i for i in found if i not in dates]


def all_alike(table: Table) -> tuple[int, ...]:
    """Columns whose cells all begin with the same words, as those of sources and licences do."""
    found = []
    for i in range(column_count(table)):
        cells = [*filter(None, map(cell_text, cells_of(table, i)))]
        if len(cells) >= SHOWING and len(os.path.commonprefix(cells)) >= SAME_BEGIN:
            found.append(i)
    return tuple(found)
