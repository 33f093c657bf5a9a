"""What the linear classifier of labelled texts sees: sub-words, pairs of them, their letters and their vectors, by how rare they are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from applied_dl.tasks.sentences.encoder import SubwordEncoder, vocabulary_of
from applied_dl.text.token_features import character_ngrams

BATCH = 1024


class Features(NamedTuple):
    """Sums of features over the sub-words and pairs of N texts; `whole` puts them side by side, over the norm of all occurrences.

    Args:
        own: sparse (N, R), a feature for each row of the table. shared: sparse (N, K), of the letters. vectors: (N, D).
        lengths: sparse (N, R), the squared length of each own feature by its occurrences.
        squares: (N, 2) sums of the squared lengths, of the vectors alone in the second column.
    """

    own: Any
    shared: Any
    vectors: np.ndarray
    lengths: Any
    squares: np.ndarray

    def norms(self, scale: float) -> np.ndarray:
        """(N,)"""
        return np.sqrt(np.maximum(self.squares @ np.array([1.0, scale**2]), 1e-12)).astype(np.float32)

    def whole(self, scale: float):
        """(N, R + K + D), sparse."""
        import scipy.sparse as sp

        beside = sp.hstack([self.own, self.shared, sp.csr_matrix(self.vectors * np.float32(scale))])
        return (sp.diags(1 / self.norms(scale)) @ beside).tocsr()

    def take(self, rows: np.ndarray) -> Features:
        """The features of some texts."""
        return Features(*(part[rows] for part in self))


class Table(NamedTuple):
    """What the sub-words and pairs mean, fitted on training texts.

    Args:
        rarity: (R,) weight of each row of the table of padding, sub-words and pairs; 0 where no training text holds it.
        letters: sparse (V, K) character n-grams of the sub-words, by their rarity. vectors: (V, D).
    """

    rarity: np.ndarray
    letters: Any
    vectors: np.ndarray

    def features(self, counts) -> Features:
        """Of texts whose `counts` (N, R) are known."""
        import scipy.sparse as sp

        size = self.letters.shape[0]
        tokens = counts[:, 1 : 1 + size]
        lengths = counts @ sp.diags(np.square(self.rarity))
        words = np.asarray(lengths.sum(1)).ravel() + tokens @ _squares(self.letters)
        squares = np.stack([words, tokens @ np.square(self.vectors).sum(1)], 1)
        return Features((counts @ sp.diags(self.rarity)).tocsr(), tokens @ self.letters, tokens @ self.vectors, lengths.tocsr(), squares)

    def folded(self, weights: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights (R + K + D, C) of the features as weights (R, C) of the rows, and the squared length (R, 1) of each row."""
        rows = len(self.rarity)
        size, letters = self.letters.shape
        own, shared, direct = np.split(weights, [rows, rows + letters])
        found, squares = own * self.rarity[:, None], np.square(self.rarity)
        found[1 : 1 + size] += self.letters @ shared + scale * (self.vectors @ direct)
        squares[1 : 1 + size] += _squares(self.letters) + scale**2 * np.square(self.vectors).sum(1)
        return found, squares[:, None]


def learn_table(encoder: SubwordEncoder, counts, vectors: np.ndarray | None) -> Table:
    """Sub-words, pairs and letters by how few of the texts hold them, letters and vectors as long as the sub-words on average."""
    import scipy.sparse as sp

    size, held = encoder.vocabulary, _texts_with(counts)
    rarity = np.where(held > 0, _rarity(held, counts.shape[0]), 0).astype(np.float32)
    rarity[0] = 0.0  # padding
    letters = character_ngrams(vocabulary_of(encoder))
    letters = letters @ sp.diags(_rarity(_texts_with(counts[:, 1 : 1 + size] @ letters), counts.shape[0]))
    used = held[1 : 1 + size]
    goal = (used * np.square(rarity[1 : 1 + size])).sum()
    letters = letters * np.float32(np.sqrt(goal / max((used * _squares(letters)).sum(), 1e-12)))
    if vectors is None:
        return Table(rarity, letters.tocsr(), np.zeros((size, 1), np.float32))
    length = (used * np.square(vectors).sum(1)).sum()
    return Table(rarity, letters.tocsr(), vectors * np.float32(np.sqrt(goal / max(length, 1e-12))))


def count_rows(pairs, ids: np.ndarray):
    """How often each row of the table occurs in each text, as a sparse matrix (N, rows)."""
    import scipy.sparse as sp

    found = []
    for start in range(0, len(ids), BATCH):
        block = np.asarray(pairs(ids[start : start + BATCH]))
        real = block > 0
        ends = np.r_[0, np.cumsum(real.sum(1))]
        found.append(sp.csr_matrix((np.ones(ends[-1], np.float32), block[real], ends), shape=(len(block), pairs.rows)))
    whole = sp.vstack(found).tocsr()
    whole.sum_duplicates()
    return whole


def _rarity(held: np.ndarray, texts: int) -> np.ndarray:
    """Smooth inverse document frequency."""
    return (np.log((1 + texts) / (1 + held)) + 1).astype(np.float32)


def _texts_with(counts) -> np.ndarray:
    """(R,) how many texts hold each row."""
    return np.bincount(counts.indices, minlength=counts.shape[1])


def _squares(matrix) -> np.ndarray:
    """(N,) squared lengths of sparse rows."""
    return np.asarray(matrix.multiply(matrix).sum(1)).ravel()
