"""Fit the linear classifier of labelled texts: a logistic regression on sub-words, pairs of them, their letters and their vectors.

Letters and vectors are properties of a sub-word, so that their weights are folded into a weight for each sub-word: the graph looks up one
row for each sub-word and pair (`text.models.ngrams`), and sub-words that no training text holds have weights too. Cross-validation on the
training rows chooses how much the vectors count and the penalty.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np

from applied_dl.core.metrics.classification import row_log_loss
from applied_dl.tasks.sentences.encoder import SubwordEncoder
from applied_dl.tasks.sentences.fit.linear_features import Features, count_rows, learn_table
from applied_dl.text.models.ngrams import linear_ngrams

MOST = 50_000  # texts that it is fitted on, an even sample of more
BUCKETS = (2**10, 2**15)  # rows for pairs, at least and at most
SCALES, PENALTIES = (0.3, 0.5, 0.7, 1.0, 2.0), (10.0, 30.0, 100.0, 300.0)  # length of the vectors beside it, inverse penalties: tried
USUAL = (1.0, 30.0)  # of both, where few texts do not clearly speak for others
SURE = 200  # texts from which on the better one is taken however little it is better
FOLDS, TRIED = 5, 1000  # of the cross-validation, and texts that it uses at most
DENSE = 2000  # texts up to which the regression is solved in the space of the texts
ITERATIONS = 1000
SHARES = np.linspace(0, 1, 11)  # of the linear classifier in the blend
NEVER = 5.0  # logit of a label that every training text has
FEWEST = 100  # validation texts from which on they decide the share; with fewer the net has too little to learn from


class Choice(NamedTuple):
    """What cross-validation chose: the length of the vectors beside the sub-words, and the inverse penalty."""

    scale: float
    penalty: float


def fit_linear(
    encoder: SubwordEncoder,
    ids: np.ndarray,
    target: np.ndarray,
    vectors: np.ndarray | None = None,
    choice: Choice | None = None,
    weight: np.ndarray | None = None,
) -> tuple[keras.Model, Choice]:
    """The fitted classifier {"ids": (B, T)} → logits (B, C), and what was chosen for it.

    Args:
        encoder: knows the vocabulary and the labels.
        ids: (N, T) of the training texts.
        target: (N,) class codes, or (N, C) of 0 and 1 for several labels.
        vectors: (V, D) of the sub-words, where they are known.
        choice: settings to use; by default cross-validation on the texts chooses them.
        weight: (N,) of the texts.
    """
    rows = np.linspace(0, len(ids) - 1, min(MOST, len(ids))).astype(np.int64)
    ids, target, weight = ids[rows], target[rows], None if weight is None else weight[rows]
    tokens = int((ids != encoder.padding).sum())
    buckets = int(np.clip(2 ** int(np.ceil(np.log2(max(tokens, 2)))), *BUCKETS))
    model = linear_ngrams(encoder.vocabulary, len(encoder.labels), buckets=buckets, padding=encoder.padding)
    counts = count_rows(model.get_layer("pairs"), ids)
    table = learn_table(encoder, counts, vectors)
    features = table.features(counts)
    if choice is None:
        choice = cross_validated(features, target, len(encoder.labels), (0.0,) if vectors is None else SCALES, weight)
    weights, bias = _fitted(features, target, len(encoder.labels), choice, weight)
    weights, squares = table.folded(weights, choice.scale)
    for name, values in (("gram_weights", weights), ("gram_squares", squares), ("gram_logits", bias)):
        model.get_layer(name).set_weights([values.astype(np.float32)])
    return model, choice


def linear_share(net: np.ndarray, linear: np.ndarray, target: np.ndarray) -> float:
    """The share of the linear classifier in the blend of probabilities (N, C): the one of least log loss on validation texts."""
    if len(target) < FEWEST:
        return 1.0
    losses = [row_log_loss(target, (1 - share) * net + share * linear).mean() for share in SHARES]
    return float(SHARES[int(np.argmin(losses))])


def cross_validated(features: Features, target: np.ndarray, classes: int, scales: tuple[float, ...], weight=None) -> Choice:
    """The scale, then the penalty, of least log loss on folds of at most TRIED training texts.

    With fewer than SURE texts, others than the usual ones are taken where they are better by more than the standard error of the
    difference.
    """
    random = np.random.default_rng(0)
    rows = np.sort(random.permutation(len(target))[:TRIED])
    some, target, weight = features.take(rows), target[rows], None if weight is None else weight[rows]
    fold = _folds(target, random)
    words, vectors = _gram(some.own) + _gram(some.shared), _gram(some.vectors)

    def losses(choice: Choice) -> np.ndarray:
        norms, found = some.norms(choice.scale), np.zeros(len(target))
        kernel = (words + choice.scale**2 * vectors) / norms[:, None] / norms
        for k in np.unique(fold):
            held = fold == k
            own = None if weight is None else weight[~held]
            alpha, bias = _kernel_regression(kernel[~held][:, ~held], target[~held], classes, choice.penalty, own)
            new = np.bincount(some.own[~held].indices, minlength=some.own.shape[1]) == 0  # what only held-out texts hold has no length
            longer = norms[held] / np.sqrt(np.square(norms[held]) - some.lengths[held] @ new)
            logits = longer[:, None] * (kernel[held][:, ~held] @ alpha) + bias
            found[held] = row_log_loss(target[held], _squashed(logits, target.ndim > 1))
        return found

    def improved(best: Choice, others: list[Choice]) -> Choice:
        now, found = losses(best), {other: losses(other) for other in others if other != best}
        least = min(found, key=lambda other: found[other].mean())
        gain = now - found[least]
        return least if gain.mean() > (gain.std() / np.sqrt(len(gain)) if len(gain) < SURE else 0) else best

    best = Choice(*USUAL) if len(scales) > 1 else Choice(scales[0], USUAL[1])
    if len(target) < 2 * FOLDS:
        return best
    if len(scales) > 1:
        best = improved(best, [best._replace(scale=scale) for scale in scales])
    return improved(best, [best._replace(penalty=penalty) for penalty in PENALTIES])


def _folds(target: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(N,) the fold of each text: the texts of a class are spread evenly."""
    order = random.permutation(len(target))
    if target.ndim == 1:
        order = order[np.argsort(target[order], kind="stable")]
    fold = np.empty(len(target), np.int64)
    fold[order] = np.arange(len(target)) % FOLDS
    return fold


def _fitted(features: Features, target: np.ndarray, classes: int, choice: Choice, weight) -> tuple[np.ndarray, np.ndarray]:
    """Weights (F, C) and bias (C,) of the regression; of few texts in their own space, which is a hundred times smaller."""
    whole = features.whole(choice.scale)
    if len(target) > DENSE:
        used, weights = np.unique(whole.indices), np.zeros((whole.shape[1], classes))
        weights[used], bias = _regression(whole[:, used], target, classes, choice.penalty, weight)
        return weights, bias
    alpha, bias = _kernel_regression(_gram(whole), target, classes, choice.penalty, weight)
    return whole.T @ alpha, bias


def _kernel_regression(kernel: np.ndarray, target: np.ndarray, classes: int, penalty: float, weight) -> tuple[np.ndarray, np.ndarray]:
    """The regression on any features whose products are `kernel` (N, N), as weights (N, C) of the texts, and the bias."""
    from scipy.linalg import cholesky, solve_triangular

    root = cholesky(kernel.astype(np.float64) + 1e-6 * np.eye(len(kernel)), lower=True)
    weights, bias = _regression(root, target, classes, penalty, weight)
    return solve_triangular(root, weights, lower=True, trans="T"), bias


def _regression(features, target: np.ndarray, classes: int, penalty: float, weight) -> tuple[np.ndarray, np.ndarray]:
    """Weights (F, C) and bias (C,) of a logistic regression; one per label where a text may have several."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    weights, bias = np.zeros((features.shape[1], classes)), np.full(classes, -NEVER)  # of classes that no text has
    with threadpool_limits(1):
        if target.ndim == 1:
            if len(np.unique(target)) < 2:
                bias[target[0]] = NEVER
                return weights, bias
            model = LogisticRegression(C=penalty, max_iter=ITERATIONS).fit(features, target, weight)
            known = model.classes_
            if len(known) == 2:
                bias[known[0]], known = 0.0, known[1:]
            weights[:, known], bias[known] = model.coef_.T, model.intercept_
            return weights, bias
        for label in range(classes):
            share = float(target[:, label].mean())
            if 0 < share < 1:
                model = LogisticRegression(C=penalty, max_iter=ITERATIONS).fit(features, target[:, label])
                weights[:, label], bias[label] = model.coef_[0], model.intercept_[0]
            else:
                bias[label] = NEVER if share else -NEVER  # every training text has the label, or none has it
    return weights, bias


def _squashed(logits: np.ndarray, several: bool) -> np.ndarray:
    if several:
        return 1 / (1 + np.exp(-logits))
    found = np.exp(logits - logits.max(1, keepdims=True))
    return found / found.sum(1, keepdims=True)


def _gram(features) -> np.ndarray:
    """(N, N) products of rows, in double precision: rounded ones of texts that depend on each other have negative eigenvalues."""
    features = features.astype(np.float64)
    found = features @ features.T
    return found if isinstance(found, np.ndarray) else found.toarray()
