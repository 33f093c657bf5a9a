"""Another source, or a held-out part, through the fitted encoder: labelled texts, scored pairs, or pairs to retrieve."""

from __future__ import annotations

import msgspec
import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.core.records import Part
from applied_dl.tasks.sentences.encoder import SubwordEncoder, encode_texts
from applied_dl.tasks.sentences.readers.groups import HELD_OUT, Groups, distinct_pairs
from applied_dl.tasks.sentences.readers.labels import match_labels
from applied_dl.tasks.sentences.readers.pair_columns import scored_pairs
from applied_dl.tasks.sentences.readers.read import Scored, read_groups, read_similarity
from applied_dl.text.markup import tidy
from applied_dl.text.tables import Table, is_table, read_table

TOGETHER = 2  # rows of a held-out part that are scored together: the two sides of a pair


def read_part(encoder: SubwordEncoder, data, source: str) -> Part:
    """Another labelled source through the fitted encoder: labelled texts, scored pairs, or pairs to retrieve."""
    if encoder.labels:
        settings = msgspec.structs.replace(data, kind="labelled", max_rows=None, group=None)
        groups = read_groups((source,), settings, html=encoder.html, least=1)
        warnings = list(groups.warnings)
        return msgspec.structs.replace(labelled_part(encoder, groups, repr(source), warnings), warnings=warnings)
    table = read_table(source) if is_table(source) else None
    if table is not None and len(table.rows[0]) >= 3 and _is_scored(table):
        return paired_part(encoder, None, read_similarity(table))
    groups = read_groups((source,), msgspec.structs.replace(data, max_rows=None), html=encoder.html)
    return msgspec.structs.replace(paired_part(encoder, distinct_pairs(groups), None), warnings=list(groups.warnings))


def labelled_part(encoder: SubwordEncoder, groups: Groups, where: str, warnings: list[str]) -> Part:
    """Encoded texts and their targets, labels in the spelling of training. Raises `DataError` for labels that training lacks."""
    if groups.several and not encoder.multi_label:
        raise DataError(f"{where} has texts with several labels, and training has one label per text.")
    if not where.startswith("The "):
        warnings += [warning for warning in groups.warnings if warning not in warnings]
    labels, changed = match_labels(groups.labels, encoder.labels, where)
    warnings += changed
    texts = [groups.texts[i] for i in groups.rows[:, 0]]
    ids = encode_texts(encoder, texts, width_of(encoder))
    return Part(inputs={encoder.input: ids}, target=targets_of(labels, encoder), extra={"text": np.array(texts, object)})


def paired_part(encoder: SubwordEncoder, groups: Groups | None, pairs: Scored | None) -> Part:
    """Interleaved rows (anchor, positive, anchor, …): first scored pairs with their score, then pairs to retrieve with NaN."""
    texts: list[str] = []
    scores: list[float] = []
    if pairs is not None:
        texts += [tidy(text, encoder.html) for pair in zip(pairs.a, pairs.b) for text in pair]
        scores += [float(s) for s in pairs.scores for _ in range(TOGETHER)]
    if groups is not None:
        texts += [groups.texts[i] for pair in groups.rows[:HELD_OUT, :2] for i in pair]
        scores += [float("nan")] * (len(texts) - len(scores))
    if not texts:
        raise DataError("A held-out part has no pairs: give validation and test a share of data.split, or scored pairs (data.similarity).")
    ids = encode_texts(encoder, texts, width_of(encoder))
    return Part(
        inputs={encoder.input: ids}, target=np.array(scores, np.float32), extra={"text": np.array(texts, object), "together": TOGETHER}
    )


def targets_of(labels: list[tuple[str, ...]], encoder: SubwordEncoder) -> np.ndarray:
    """(N,) int64 codes, or (N, C) float32 of 0 and 1 where a text may have several labels."""
    place = {label: code for code, label in enumerate(encoder.labels)}
    if not encoder.multi_label:
        return np.array([place[row[0]] for row in labels], np.int64)
    target = np.zeros((len(labels), len(place)), np.float32)
    for i, row in enumerate(labels):
        target[i, [place[label] for label in row]] = 1
    return target


def width_of(encoder: SubwordEncoder) -> int | None:
    """Columns of the ids: as many as the longest text needs; a graph that takes bytes has a fixed number."""
    return None if encoder.tokenizer else encoder.length


def _is_scored(table: Table) -> bool:
    try:
        scored_pairs(table)
    except DataError:
        return False
    return True
