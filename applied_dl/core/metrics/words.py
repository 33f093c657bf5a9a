"""Metrics of word vectors: human similarity ratings, analogies, and neighbours in held-out text."""

from __future__ import annotations

import numpy as np

from applied_dl.core.metrics.intervals import bootstrap, wilson
from applied_dl.core.metrics.similarity import spearman
from applied_dl.core.records import Scores

RESTRICT = 30_000  # analogies are answered among so many of the most frequent words
BLOCK = 512


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows (N, D) divided by their length; zeros stay zeros."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def score_similarity(vectors: np.ndarray, scores: np.ndarray, metrics_only: bool = False) -> Scores:
    """Spearman correlation of cosine and human rating. vectors: (N, D), rows a, b, a, b, …; scores: (N,), the rating of each row's pair."""
    directions, wanted = unit(vectors), scores[0::2]
    cosine = np.einsum("nd,nd->n", directions[0::2], directions[1::2])
    intervals = {} if metrics_only else {"spearman": bootstrap(spearman, wanted, cosine)}
    return Scores(main="spearman", metrics={"spearman": spearman(wanted, cosine)}, intervals=intervals)


def score_neighbours(vectors: np.ndarray) -> Scores:
    """AUC of held-out neighbours: how often a word is nearer to its own neighbour than to another word's neighbour (ties count half).

    Both candidates are neighbours in the same text and so have the same frequencies; only knowledge of the pair helps.

    Args:
        vectors: (N, D), rows in the order word, neighbour, another word's neighbour, ….
    """
    directions = unit(vectors)
    gap = np.einsum("nd,nd->n", directions[0::3], directions[1::3] - directions[2::3])
    right = float((gap > 1e-7).sum() + 0.5 * (np.abs(gap) <= 1e-7).sum())
    return Scores(main="auc", metrics={"auc": right / len(gap)}, intervals={"auc": wilson(right, len(gap))})


def solve_analogies(table: np.ndarray, questions: np.ndarray, restrict: int = RESTRICT) -> np.ndarray:
    """(Q,) rows that answer a : b = c : ?, by 3CosAdd among the first `restrict` rows without a, b and c (Mikolov et al., 2013)."""
    near, answers = unit(table[:restrict]), []
    for start in range(0, len(questions), BLOCK):
        a, b, c = questions[start : start + BLOCK, :3].T
        scores = (near[b] - near[a] + near[c]) @ near.T
        np.put_along_axis(scores, np.stack([a, b, c], 1), -np.inf, 1)
        answers.append(scores.argmax(1))
    return np.concatenate(answers) if answers else np.zeros(0, np.int64)


def analogies(table: np.ndarray, questions: np.ndarray, restrict: int = RESTRICT) -> tuple[float, tuple[float, float]]:
    """Share of correct answers to the questions (Q, 4) whose words are among the first `restrict` rows, and its 95% interval."""
    asked = questions[(questions < min(restrict, len(table))).all(1)]
    right = int((solve_analogies(table, asked, restrict) == asked[:, 3]).sum())
    return right / max(len(asked), 1), wilson(right, len(asked))


class Quiz:
    """Analogy questions (Q, 4). The result of the last table is kept, because the scores of half-samples ask for it again."""

    def __init__(self, questions: np.ndarray):
        self.questions = questions
        self._table: np.ndarray | None = None
        self._result: tuple[float, tuple[float, float]] = (0.0, (0.0, 1.0))

    def of(self, table: np.ndarray) -> tuple[float, tuple[float, float]]:
        """`analogies` of a table (V, D), which must not be changed in place."""
        if self._table is not table:
            self._table, self._result = table, analogies(table, self.questions)
        return self._result


def score_analogies(table: np.ndarray, questions: np.ndarray) -> Scores:
    """The share of correct analogies alone. table: (V, D) of the most frequent words; questions: (Q, 4)."""
    share, interval = analogies(table, questions)
    return Scores(main="analogy", metrics={"analogy": share}, intervals={"analogy": interval})
