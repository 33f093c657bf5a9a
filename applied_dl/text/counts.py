"""Word vectors by counting: neighbours within a window, positive pointwise mutual information, a truncated factorisation.

Levy and Goldberg (2014) show that skip-gram factorises nearly this matrix. It is the baseline of every trained table
and can initialise one.
"""

from __future__ import annotations

import numpy as np

from applied_dl.text.encoded_text import SMOOTHING, Text
from applied_dl.text.word_ids import tally
from applied_dl.training.compiled import compiled_freely

MOST = 30_000  # words that are factorised; the matrix of all pairs of rarer ones is mostly chance
ROWS = 256  # of the matrix counted at a time
PASSES = 2  # of the randomised factorisation
INIT_NORM = 1.5  # mean norm of the rows that initialise an embedding


def cooccurrences(text: Text, window: int, words: int | None = None):
    """Symmetric counts (W, W) as a scipy CSR matrix; a neighbour at distance d counts (window + 1 − d) / window.

    Row by row, from the positions of its word in the text: memory holds a block of rows at a time, not all pairs of the text.
    """
    import scipy.sparse as sp

    size = min(words or len(text.counts), len(text.counts))
    ids, opens = text.ids.view(np.ndarray), np.zeros(len(text.ids) + 1, bool)
    opens[np.r_[0, text.ends]] = True
    ends = np.cumsum(tally(ids, len(text.counts))[:size])
    places = np.empty(ends[-1], np.int32 if len(ids) < 2**31 else np.int64)
    sort_places(ids, np.r_[0, ends[:-1]], places)
    blocks = [(first, min(size, first + ROWS)) for first in range(0, size, ROWS)]
    found = [count_rows(ids, opens, places, np.r_[0, ends], *block, size, window) for block in blocks]
    lengths, columns, values = (list(part) for part in zip(*found))
    del found
    columns = np.concatenate(columns)  # one after the other, so that neither is in memory twice
    values = np.concatenate(values)
    return sp.csr_matrix((values, columns, np.r_[0, np.cumsum(np.concatenate(lengths))]), shape=(size, size))


@compiled_freely
def sort_places(ids, at, places):
    """Fill `places` with the positions of each word in the text; `at` (W,), where the positions of a word begin, advances."""
    for i in range(len(ids)):
        word = ids[i]
        if word < len(at):
            places[at[word]] = i
            at[word] += 1


@compiled_freely
def count_rows(ids, opens, places, ends, first, last, size, window):
    """Neighbours of the words from `first` to before `last`: how many each has, which they are (sorted) and their weights."""
    sums, lengths = np.zeros(size, np.float32), np.zeros(last - first, np.int64)
    touched = np.empty(size, np.int32)
    room = min((last - first) * size, 2 * window * (ends[last] - ends[first]))
    columns, values, total = np.empty(room, np.int32), np.empty(room, np.float32), 0
    for word in range(first, last):
        n = 0
        for k in range(ends[word], ends[word + 1]):
            for way in (1, -1):
                i = places[k]
                for distance in range(window):
                    if opens[i + 1 if way == 1 else i]:
                        break
                    i += way
                    other = ids[i]
                    if other < size:
                        if sums[other] == 0:
                            touched[n] = other
                            n += 1
                        sums[other] += np.float32((window - distance) / window)
        touched[:n].sort()
        for k in range(n):
            columns[total + k], values[total + k] = touched[k], sums[touched[k]]
            sums[touched[k]] = 0
        total, lengths[word - first] = total + n, n
    return lengths, columns[:total].copy(), values[:total].copy()


def positive_pmi(counts):
    """max(0, log p(a, b) / (p(a) p(b)^0.75)) of a count matrix in CSR form, whose arrays are overwritten in place to save memory."""
    import scipy.sparse as sp

    row = np.asarray(counts.sum(1), np.float64).ravel()
    smooth = row**SMOOTHING
    smooth /= max(smooth.sum(), 1e-300)
    indptr = counts.indptr.astype(np.int64)
    kept = keep_positive(indptr, counts.indices, counts.data, row, smooth)
    return sp.csr_matrix((counts.data[:kept], counts.indices[:kept], indptr), shape=counts.shape)


@compiled_freely
def keep_positive(indptr, columns, values, row, smooth):
    """Turn counts into positive pointwise mutual information, compacted in place; how many entries remain."""
    kept = start = 0
    for a in range(len(indptr) - 1):
        for k in range(start, indptr[a + 1]):
            pmi = np.log(values[k] / (row[a] * smooth[columns[k]]))
            if pmi > 0:
                columns[kept], values[kept] = columns[k], pmi
                kept += 1
        start, indptr[a + 1] = indptr[a + 1], kept
    return kept


def factorised(matrix, dimensions: int, seed: int, *, power: float = 0.5, passes: int = PASSES) -> np.ndarray:
    """(W, dimensions) float32: left singular vectors by their values to `power`; columns beyond the rank are zero."""
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    rank = min(dimensions, matrix.shape[0])
    with threadpool_limits(1):  # the sparse products dominate and are single-threaded; more BLAS threads would only wait
        left, values, _ = randomized_svd(matrix, rank, n_iter=passes, random_state=seed)
    found = np.zeros((matrix.shape[0], dimensions), np.float32)
    found[:, :rank] = left * values**power
    return found


def ppmi_svd(text: Text, dimensions: int, window: int, seed: int, words: int = MOST) -> np.ndarray:
    """Vectors (V, D) of all words; those beyond the `words` most frequent ones are zero."""
    found = factorised(positive_pmi(cooccurrences(text, window, words)), dimensions, seed)
    return np.pad(found, ((0, len(text.counts) - len(found)), (0, 0)))


def lsa(text: Text, dimensions: int, window: int, seed: int, words: int = MOST) -> np.ndarray:
    """As `ppmi_svd`, of the logarithms of the counts."""
    counts = cooccurrences(text, window, words)
    counts.data = np.log1p(counts.data)
    found = factorised(counts, dimensions, seed)
    return np.pad(found, ((0, len(text.counts) - len(found)), (0, 0)))


def as_embedding_init(vectors: np.ndarray) -> np.ndarray:
    """Rows rescaled to a mean norm of `INIT_NORM`."""
    norms = np.linalg.norm(vectors, axis=1)
    return vectors * np.float32(INIT_NORM / max(norms[norms > 0].mean() if (norms > 0).any() else 1.0, 1e-9))
