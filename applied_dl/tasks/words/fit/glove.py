"""GloVe: logarithms of co-occurrence counts, factorised by weighted least squares with AdaGrad (Pennington et al., 2014)."""

from __future__ import annotations

from functools import partial

import numpy as np

from applied_dl.tasks.words.fit.skipgram import Plan
from applied_dl.text.counts import MOST, cooccurrences
from applied_dl.training.compiled import compiled_freely

CALL = 2**14  # pairs of one call of the kernel
PORTION = 2**22  # pairs between two places where a training may be resumed
CEILING, POWER = 100.0, 0.75  # counts above the ceiling weigh 1, those below (count / ceiling)^power


def glove_plan(text, dimensions: int, window: int, seed: int, words: int) -> Plan:
    """A plan over all pairs of the `MOST` first words in random order; `tables`: word, context (V, D + 1) with the bias in the last
    column, and their sums of squares."""
    counts = cooccurrences(text, window, MOST).tocoo()
    size, rng = counts.shape[0], np.random.default_rng(seed)
    tables = [(rng.random((size, dimensions + 1), dtype=np.float32) - np.float32(0.5)) / np.float32(dimensions) for _ in range(2)]
    tables += [np.ones_like(table) for table in tables]
    pairs = counts.row.astype(np.int32), counts.col.astype(np.int32), counts.data.astype(np.float32)
    portions = max(1, -(-counts.nnz // PORTION))
    learn_pairs(*tables, *pairs, np.zeros(0, np.int64), 0.0)  # compiles, or finds what an earlier run compiled

    def calls(epoch: int, which: int):
        order = np.random.default_rng((seed, 3, epoch)).permutation(counts.nnz)[which::portions]
        return [partial(learn_pairs, *tables, *pairs, order[i : i + CALL]) for i in range(0, len(order), CALL)]

    return Plan(tables, portions, calls, words)


@compiled_freely
def learn_pairs(word, context, word_squares, context_squares, rows, columns, counts, order, rate):
    """Update the tables (V, D + 1) by the pairs that `order` names, one after the other; (sum of weighted squared errors, pairs)."""
    D, step, total = word.shape[1] - 1, np.float32(rate), 0.0
    for at in order:
        a, b, n = rows[at], columns[at], counts[at]
        gap = word[a, D] + context[b, D] - np.log(n)
        for d in range(D):
            gap += word[a, d] * context[b, d]
        g = gap * min(np.float32(1), (n / np.float32(CEILING)) ** np.float32(POWER))
        total += g * gap
        for d in range(D):
            up, down = g * context[b, d], g * word[a, d]
            word_squares[a, d] += up * up
            context_squares[b, d] += down * down
            word[a, d] -= step * up / np.sqrt(word_squares[a, d])
            context[b, d] -= step * down / np.sqrt(context_squares[b, d])
        word_squares[a, D] += g * g
        context_squares[b, D] += g * g
        word[a, D] -= step * g / np.sqrt(word_squares[a, D])
        context[b, D] -= step * g / np.sqrt(context_squares[b, D])
    return total, len(order)


def glove_vectors(tables: list[np.ndarray], size: int) -> np.ndarray:
    """(V, D): the sum of word and context vectors, as the paper has it; zeros for words beyond the counted ones."""
    found = (tables[0] + tables[1])[:, :-1]
    return np.pad(found, ((0, size - len(found)), (0, 0)))
