"""Which training texts are shown together: the two sides of each pair, those of a teacher, held-out pairs, texts of the same label."""

from __future__ import annotations

import numpy as np
from keras import ops

from applied_dl.layers import draws
from applied_dl.layers.backend import batch_size, constant, take
from applied_dl.tasks.sentences.fit.ids import token_ids
from applied_dl.tasks.sentences.fit.teacher import teacher_vectors
from applied_dl.tasks.sentences.readers.pair_columns import FAIR
from applied_dl.text.bert_files import model_folder
from applied_dl.training.source import Source, resident


def pairs_of(recipe, prepared, ids):
    """What an epoch shows: rows of texts, of which each batch draws two.

    Args:
        recipe, prepared: of the training.
        ids: tokens of the texts, (N, T).

    Returns:
        The row numbers as a source; the function that replaces them by two texts of each row, drawn anew, and its hard negative; the names
        of these sides. The target of a batch holds a key for each text: texts with equal keys are never negatives of each other.
    """
    state, table = prepared.state, constant(ids)
    rows, labels = state.rows, prepared.encoder.labels
    if recipe.learn.objective == "simcse":
        rows = np.arange(len(ids), dtype=np.int32)[:, None]
    elif labels:  # texts of one label belong together
        rows = _same_label(prepared.train.target, recipe.train.seed)
    count = (rows >= 0).sum(1).astype(np.int32)
    keys = prepared.train.target if labels and recipe.learn.objective != "simcse" else same_meaning(rows, len(ids))
    keys = constant(keys.astype(np.int32))
    hard = state.negatives is not None and recipe.learn.objective == "contrastive"
    sides = ("a", "b", "c") if hard else ("a", "b")
    negatives = constant(state.negatives) if hard else None
    again, size = constant(times_shown(rows)), len(times_shown(rows))
    rows, count = constant(rows), constant(count)

    def gather(index):
        return {"row": take(again, index)}, ops.zeros_like(index)

    def pick(inputs, target, seed):
        index = inputs["row"]
        some = take(count, index)  # texts of each row; one of them, and another one that is `step` places further on
        first, second = ops.unstack(draws.uniform((2, batch_size(index)), seed), 2)
        here = ops.cast(first * ops.cast(some, "float32"), "int32") % some
        step = 1 + ops.cast(second * ops.cast(some - 1, "float32"), "int32") % ops.maximum(some - 1, 1)
        there = ops.where(some > 1, (here + step) % ops.maximum(some, 1), here)
        texts = [ops.take_along_axis(take(rows, index), place[:, None], axis=1)[:, 0] for place in (here, there)]
        texts += [take(negatives, index)] if hard else []
        return {name: take(table, text) for name, text in zip(sides, texts)}, ops.stack([take(keys, text) for text in texts], axis=1)

    return Source(size, gather), pick, sides


def times_shown(rows: np.ndarray) -> np.ndarray:
    """Row numbers (M,) int32 of an epoch: a set of K texts occurs K // 2 times, so that each text is seen about once, as in pairs."""
    return np.repeat(np.arange(len(rows), dtype=np.int32), np.maximum((rows >= 0).sum(1) // 2, 1))


def same_meaning(rows: np.ndarray, texts: int) -> np.ndarray:
    """A number for each text (texts,) int32; the texts of a set of three or more have one, for none of them is a negative of another."""
    keys = np.arange(texts, dtype=np.int32)
    for row in rows[(rows >= 0).sum(1) > 2]:
        row = row[row >= 0]
        keys[row] = keys[row[0]]
    return keys


def teacher_pairs(recipe, prepared, ids):
    """Single texts with the teacher's vector of each."""
    table, wanted = constant(ids), constant(teacher_vectors(model_folder(recipe.model.teacher), list(prepared.train.extra["text"])))

    def gather(index):
        return {"a": take(table, index)}, take(wanted, index)

    return Source(len(ids), gather), lambda inputs, target, seed: (inputs, target), ("a",)


def held_out(recipe, prepared, model, sides) -> Source:
    """Validation pairs under the same loss; of scored pairs those in the upper quarter of the scale."""
    part, encoder = prepared.validation, prepared.encoder
    ids = token_ids(model, part, encoder)
    if encoder.labels:
        rows = _same_label(part.target, recipe.train.seed)[:, :2]
        keys = part.target
    else:
        score = part.target[0::2]  # of both sides of a pair, NaN where pairs have none
        scored = ~np.isnan(score)
        kept = np.flatnonzero(~scored | (score >= FAIR * score[scored].max(initial=-np.inf)))
        rows, keys = np.stack([2 * kept, 2 * kept + 1], 1), np.arange(len(ids))
    if recipe.learn.objective == "simcse":
        rows = np.repeat(np.arange(len(ids))[:, None], 2, 1)
    rows = np.concatenate([rows, rows[::-1, 1:2]], 1) if len(sides) == 3 else rows
    return resident({name: ids[rows[:, i]] for i, name in enumerate(sides)}, np.asarray(keys)[rows].astype(np.int32))


def _same_label(codes: np.ndarray, seed: int, partners: int = 3) -> np.ndarray:
    """(N, 1 + partners): each text with random texts of its label."""
    random = np.random.default_rng(seed)
    rows = np.zeros((len(codes), 1 + partners), np.int32)
    rows[:, 0] = np.arange(len(codes))
    for code in np.unique(codes):
        members = np.flatnonzero(codes == code)
        rows[members, 1:] = random.choice(members, (len(members), partners))
    return rows
