"""What word vectors are worth: people's similarities, analogies, and which word stood beside which in text that was held out."""

from __future__ import annotations

import numpy as np

from applied_dl.core.metrics.intervals import bootstrap, wilson
from applied_dl.core.metrics.similarity import spearman
from applied_dl.core.records import Scores

RESTRICT = 30_000  # most frequent words that may answer an analogy
BLOCK = 512


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows (N, D) divided by their length; zeros stay zeros."""
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def judge_similarity(vectors: np.ndarray, scores: np.ndarray) -> Scores:
    """Rows (a, b, a, b, …) and people's score of each row's pair: Spearman's rank correlation with the cosine."""
    found, wanted = unit(vectors), scores[0::2]
    cosine = np.einsum("nd,nd->n", found[0::2], found[1::2])
    interval = bootstrap(spearman, wanted, cosine)
    return Scores(main="spearman", metrics={"spearman": spearman(wanted, cosine)}, intervals={"spearman": interval})


def judge_neighbours(vectors: np.ndarray) -> Scores:
    """Rows (word, neighbour, other, …): how often a word is nearer to what stood beside it than to what stood beside another (ties: half).

    The others are the neighbours of other words, so both have the same frequencies and only knowledge of pairs can help.
    """
    found = unit(vectors)
    gap = np.einsum("nd,nd->n", found[0::3], found[1::3] - found[2::3])
    right = float((gap > 1e-7).sum() + 0.5 * (np.abs(gap) <= 1e-7).sum())
    return Scores(main="auc", metrics={"auc": right / len(gap)}, intervals={"auc": wilson(right, len(gap))})


def solve_analogies(table: np.ndarray, questions: np.ndarray, restrict: int = RESTRICT) -> np.ndarray:
    """(Q,) places that answer a : b = c : ?, by 3CosAdd among the `restrict` first rows, a, b and c left out (Mikolov et al., 2013)."""
    near, answers = unit(table[:restrict]), []
    for start in range(0, len(questions), BLOCK):
        a, b, c = questions[start : start + BLOCK, :3].T
        scores = (near[b] - near[a] + near[c]) @ near.T
        np.put_along_axis(scores, np.stack([a, b, c], 1), -np.inf, 1)
        answers.append(scores.argmax(1))
    return np.concatenate(answers) if answers else np.zeros(0, np.int64)


def analogies(table: np.ndarray, questions: np.ndarray, restrict: int = RESTRICT) -> tuple[float, tuple[float, float]]:
    """Share of the questions (Q, 4) among the `restrict` first rows that are answered rightly, and its interval."""
    asked = questions[(questions < min(restrict, len(table))).all(1)]
    right = int((solve_analogies(table, asked, restrict) == asked[:, 3]).sum())
    return right / max(len(asked), 1), wilson(right, len(asked))


class Quiz:
    """Questions (Q, 4) to tables of word vectors. A table that was asked last is answered from memory: scores of parts ask it again."""

    def __init__(self, questions: np.ndarray):
        self.questions = questions
        self._asked, self._found = None, None

    def of(self, table: np.ndarray) -> tuple[float, tuple[float, float]]:
        """What `analogies` finds of a table (V, D), which must not be changed in place."""
        if self._asked is not table:
            self._asked, self._found = table, analogies(table, self.questions)
        return self._found


def judge_analogies(table: np.ndarray, questions: np.ndarray) -> Scores:
    """Analogies alone, by a table of the most frequent words."""
    share, interval = analogies(table, questions)
    return Scores(main="analogy", metrics={"analogy": share}, intervals={"analogy": interval})
