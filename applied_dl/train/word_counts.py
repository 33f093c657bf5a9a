"""Word vectors by counting: neighbours within a window, positive pointwise mutual information, a truncated factorisation.

Levy and Goldberg (2014) show skip-gram to factorise nearly this matrix. It is the honest rival of every trained table, and a start for one.
"""

from __future__ import annotations

import numpy as np

from applied_dl.train.word_text import SMOOTHING, Text

MOST = 30_000  # words that are factorised; the matrix of all pairs of rarer ones is mostly chance
BLOCK = 2**22  # ids counted at a time
START_NORM = 1.5  # mean length of the rows where they start a training


def cooccurrences(text: Text, window: int, words: int | None = None):
    """Symmetric counts (W, W) as a scipy CSR matrix; a neighbour at distance d counts (window + 1 − d) / window."""
    import scipy.sparse as sp

    size = min(words or len(text.counts), len(text.counts))
    total = sp.csr_matrix((size, size), dtype=np.float32)
    starts = np.r_[0, text.ends[:-1]]
    first = 0
    while first < len(starts):
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + BLOCK, "right")))
        low, high = starts[first], text.ends[min(last, len(text.ends)) - 1]
        ids = np.array(text.ids[low:high])
        piece = np.repeat(np.arange(min(last, len(starts)) - first), np.diff(np.r_[low, text.ends[first:last]]))
        known = ids < size
        ids, piece = ids[known].astype(np.int64), piece[known]
        for distance in range(1, min(window, len(ids) - 1) + 1):
            same = piece[distance:] == piece[:-distance]
            a, b = ids[:-distance][same], ids[distance:][same]
            pair, n = np.unique(np.minimum(a, b) * size + np.maximum(a, b), return_counts=True)
            weight = (n * ((window + 1 - distance) / window)).astype(np.float32)
            total = total + sp.csr_matrix((weight, (pair // size, pair % size)), shape=(size, size))
        first = last
    return (total + total.T).tocsr()


def positive_pmi(counts):
    """max(0, log p(a, b) / (p(a) p(b)^0.75)) of a count matrix."""
    import scipy.sparse as sp

    pairs = counts.tocoo()
    row = np.asarray(counts.sum(1), np.float64).ravel()
    smooth = row**SMOOTHING
    smooth /= max(smooth.sum(), 1e-300)
    with np.errstate(divide="ignore"):
        pmi = np.log(pairs.data / (row[pairs.row] * smooth[pairs.col]))
    good = pmi > 0
    return sp.csr_matrix((pmi[good].astype(np.float32), (pairs.row[good], pairs.col[good])), shape=counts.shape)


def factorised(matrix, dimensions: int, seed: int) -> np.ndarray:
    """(W, dimensions) float32: left singular vectors by the root of their values; columns beyond the rank are zero."""
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    rank = min(dimensions, matrix.shape[0])
    with threadpool_limits(1):  # the sparse products are most of it and have one thread; the others would only wait for each other
        left, values, _ = randomized_svd(matrix, rank, n_iter=2, random_state=seed)
    found = np.zeros((matrix.shape[0], dimensions), np.float32)
    found[:, :rank] = left * np.sqrt(values)
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


def as_start(vectors: np.ndarray) -> np.ndarray:
    """Rows rescaled to a mean length of `START_NORM`."""
    norms = np.linalg.norm(vectors, axis=1)
    return vectors * np.float32(START_NORM / max(norms[norms > 0].mean() if (norms > 0).any() else 1.0, 1e-9))
