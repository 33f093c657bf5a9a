"""The columns of pairs: the two sides by their names, how alike they are, and which pairs belong together."""

from __future__ import annotations

import itertools
import math

from applied_dl.core.errors import DataError
from applied_dl.tasks.sentences.readers.label_columns import are_labels, cells_of, column_count, column_name
from applied_dl.tasks.sentences.readers.labels import is_one_hot
from applied_dl.text.columns import normal, place_of
from applied_dl.text.tables import Table

SIDES = (("anchor", "positive"), ("sentence1", "sentence2"), ("sentence_a", "sentence_b"), ("text1", "text2"), ("query", "document"),
         ("question", "answer"), ("question1", "question2"), ("premise", "hypothesis"))  # fmt: skip
NEGATIVE = "negative"
SCORES = ("score", "similarity", "label")
ALIKE = (  # columns that say which pairs belong together
    "label", "is_duplicate", "duplicate", "paraphrase", "similarity", "score", "gold_label", "relatedness", "entailment", "judgment",
    "equivalent", "quality",
)  # fmt: skip
YES = ("1", "1.0", "true", "yes", "entailment", "duplicate", "paraphrase", "equivalent")
HIGHEST = 100  # score of a pair
FAIR = 0.75  # of the highest score: pairs above it belong together


def named_sides(table: Table) -> tuple[int, int] | None:
    """The places of the two sides of a pair, where the table names them and neither holds labels, such as answers of yes and no."""
    for names in SIDES:
        places = [place_of(name, table.header) for name in names]
        if None not in places and not any(are_labels(cells_of(table, place)) for place in places):
            return tuple(places)
    return None


def alike_place(table: Table, leave_out: tuple[int, ...]) -> int | None:
    """The column that says which pairs belong together: by its name, by a word of it, or the only other one of 0 and 1 or of scores."""
    free = [i for i in range(column_count(table)) if i not in leave_out]
    words = {i: normal(column_name(table, i)).split("_") for i in free}
    named = (i for name in ALIKE if (i := place_of(name, table.header)) in free)
    worded = (i for name in ALIKE for i in free if name in words[i] and "id" not in words[i])
    flags = [i for i in free if is_one_hot(cells_of(table, i))]
    scores = [i for i in free if _are_scores(cells_of(table, i))] if not table.header else []
    return next(itertools.chain(named, worded, *(found for found in (flags, scores) if len(found) == 1)), None)


def _are_scores(cells: list) -> bool:
    """Whether cells are numbers of a scale, many of them equal."""
    values = [value for cell in cells if (value := finite(cell)) is not None]
    return len(values) == len(cells) > 0 <= min(values) and max(values) <= HIGHEST and 2 < len({*values}) <= len(values) / 2


def scored_pairs(table: Table) -> tuple[list[str], list[str], list[float]]:
    """Sentence, sentence and score of a table, with or without a header. Raises `DataError` for a score that is no finite number."""
    sides = named_sides(table)
    score = next((place for name in SCORES if (place := place_of(name, table.header)) is not None), None)
    places = [*sides, score] if sides is not None and score is not None else [0, 1, 2]
    a, b, scores = [], [], []
    for number, row in enumerate(table.rows, 1 + bool(table.header)):
        if len(row) <= max(places):
            raise DataError(f"{table.path!r}, row {number}: expected sentence, sentence and score, received {len(row)} cells.")
        first, second, value = (row[i] for i in places)
        scores.append(finite(value))
        if scores[-1] is None:
            raise DataError(f"{table.path!r}, row {number}: the score must be a finite number, received {value!r}.")
        a.append(" ".join(str(first or "").split()))
        b.append(" ".join(str(second or "").split()))
    return a, b, scores


def belongs_together(cells: list) -> list[bool]:
    """Which pairs belong together, by a column that says so: 0 and 1, yes and no, or scores, of which the upper quarter counts."""
    texts = [str(cell).strip().lower() if cell is not None else "" for cell in cells]
    numbers = [finite(text) for text in texts]
    if all(number is not None for number in numbers):
        return [number >= FAIR * max(numbers) for number in numbers]
    return [text in YES for text in texts]


def finite(cell) -> float | None:
    """A finite number, or None."""
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
