"""A column of texts: lists, categories, sentences, names, or different texts that say nothing."""

from __future__ import annotations

import numpy as np
import polars as pl

from applied_dl.io.cells import BOOLEAN, as_levels, is_mark
from applied_dl.tasks.tabular.columns import Column, input_name
from applied_dl.tasks.tabular.readers.learned import Known, Learned
from applied_dl.tasks.tabular.readers.texts import is_text, learn_names, learn_sentences, learn_tags, tag_separator

MOST_LEVELS = 1000
MOST_ONCE = 0.8  # share of the cells of a category whose text no other cell has: more are names of the rows
RARE = 2  # rows below which a level is not kept: its rows teach the code of levels never seen
ENOUGH = 200  # rows from which rare levels are dropped


def words_column(name: str, cells: pl.Series, filled: pl.Series, known: Known, wrong: np.ndarray, missed: np.ndarray | None) -> Learned:
    """A column of texts: lists, categories, sentences, or different texts that say nothing."""
    least = wrong if missed is None else min(wrong, missed, key=len)
    note = ""
    coded = filled.dtype == pl.String and filled.str.contains(r"^0\d+$").any()
    if 0 < len(least) < len(filled) / 2 and not coded:
        kind = "numbers" if missed is None or least is not missed else "dates or times"
        where = known.table.where(int(known.train[least[0]]))
        note = f"{1 - len(least) / len(filled):.0%} of its cells are {kind}, but not {as_levels(cells)[int(least[0])]!r} ({where})"
    texts, levels = as_levels(filled), filled.n_unique()
    many = levels > max(50, len(filled) // 2) or _seen_once(texts) > MOST_ONCE
    if (separator := tag_separator(texts)) and (many or levels > 20):
        tags = learn_tags(texts, separator, RARE if len(cells) >= ENOUGH else 1)
        column = Column(name=name, kind="tags", inputs=(input_name(name, known.taken),), levels=tags, separator=separator)
        note = f"read as lists of {len(tags)} values separated by {separator!r}; data.categorical reads whole cells"
        return Learned((column,), note=note)
    if many or levels > MOST_LEVELS:
        classes = known.classes if known.codes is not None else 0
        found = (learn_sentences if is_text(texts) else learn_names)(as_levels(cells), known.codes if classes else known.y, classes)
        if found is not None:
            model, scores = found
            column = Column(name=name, kind="text", inputs=(input_name(name, known.taken),), scores=model)
            parts = "words and groups of letters" if model.characters else "words and pairs of words"
            read = f"read as texts, by {len(model.terms):,} {parts}; data.categorical reads whole cells"
            return Learned((column,), note=f"{note}: {read}, data.numeric numbers" if note else read, training={column.inputs[0]: scores})
    if many:
        return Learned(reason=f"{levels} different texts in {len(filled)} rows" + (f"; {note}" if note else ""))
    found = category_column(name, texts, known)
    if note:
        note += ": it is read as a category; correct it, or name it in data.numeric or data.categorical"
    return found._replace(note=note or found.note)


def _seen_once(texts: pl.Series) -> float:
    """The share of the cells whose text no other cell has."""
    return float((texts.value_counts()["count"] == 1).sum()) / len(texts)


def category_column(name: str, filled: pl.Series, known: Known) -> Learned:
    """A category; dropped where every level occurs once."""
    counted = filled.value_counts(sort=True)
    least = RARE if len(known.train) >= ENOUGH else 1
    kept = [level for level, count in counted.rows() if count >= least][:MOST_LEVELS]
    if not kept:
        merged = "; if its empty cells mean the text above them, fill it down" if len(filled) < len(known.train) / 2 else ""
        return Learned(reason=f"{len(counted)} different texts, each once{merged}")
    rare = len(counted) - len(kept)
    note = f"{rare} of {len(counted)} levels are rare and read as unknown" if rare > len(counted) / 2 else ""
    return Learned((Column(name=name, kind="category", inputs=(input_name(name, known.taken),), levels=tuple(sorted(kept))),), note=note)


def are_booleans(filled: pl.Series) -> bool:
    """Whether the cells are one pair of words such as yes and no."""
    marks = is_mark(filled)
    words = filled.filter(~marks) if marks.any() else filled
    return {BOOLEAN.get(level.lower()) for level in as_levels(words.unique())} == {0.0, 1.0}
