"""Fit the linear n-gram classifier of labelled texts, a logistic regression on the features of its graph, and its share beside the net."""

from __future__ import annotations

import keras
import numpy as np

from applied_dl.core.metrics.classification import row_log_loss
from applied_dl.tasks.sentences.encoder import SubwordEncoder
from applied_dl.text.models.ngrams import linear_ngrams

INVERSE_PENALTY, ITERATIONS = 10.0, 300  # of the logistic regression, as in the TF-IDF baseline
MOST = 50_000  # texts that it is fitted on, an even sample of more
BUCKETS = (2**10, 2**15)  # rows for pairs, at least and at most
BATCH = 1024
SHARES = np.linspace(0, 1, 11)  # of the linear classifier in the blend
FEWEST = 100  # validation texts from which on they decide the share; with fewer the net has too little to learn from


def fit_linear(encoder: SubwordEncoder, ids: np.ndarray, target: np.ndarray) -> keras.Model:
    """The fitted classifier {"ids": (B, T)} → logits (B, C).

    Args:
        encoder: knows the vocabulary and the labels.
        ids: (N, T) of the training texts.
        target: (N,) class codes, or (N, C) of 0 and 1 for several labels.
    """
    rows = np.linspace(0, len(ids) - 1, min(MOST, len(ids))).astype(np.int64)
    ids, target = ids[rows], target[rows]
    tokens = int((ids != encoder.padding).sum())
    buckets = int(np.clip(2 ** int(np.ceil(np.log2(max(tokens, 2)))), *BUCKETS))
    model = linear_ngrams(encoder.vocabulary, len(encoder.labels), buckets=buckets, padding=encoder.padding)
    counts = _counts(model.get_layer("pairs"), ids)
    held = np.asarray((counts > 0).sum(0)).ravel()
    rarity = (np.log((1 + len(ids)) / (1 + held)) + 1).astype(np.float32)
    rarity[0] = 0.0  # padding
    weights, bias = _regression(_normalized(counts, rarity), target, len(encoder.labels))
    weights[held == 0] = 0.0
    model.get_layer("gram_weights").set_weights([weights * rarity[:, None]])
    model.get_layer("gram_squares").set_weights([np.square(rarity)[:, None]])
    model.get_layer("gram_logits").set_weights([bias])
    return model


def linear_share(net: np.ndarray, linear: np.ndarray, target: np.ndarray) -> float:
    """The share of the linear classifier in the blend of probabilities (N, C): the one of least log loss on validation texts."""
    if len(target) < FEWEST:
        return 1.0
    losses = [row_log_loss(target, (1 - share) * net + share * linear).mean() for share in SHARES]
    return float(SHARES[int(np.argmin(losses))])


def _counts(pairs, ids: np.ndarray):
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


def _normalized(counts, rarity: np.ndarray):
    """The features that `linear_ngrams` computes: counts by rarity, over the norm of all occurrences."""
    import scipy.sparse as sp

    norm = np.sqrt(np.maximum(counts @ np.square(rarity), 1e-12))
    return sp.diags(1 / norm) @ counts @ sp.diags(rarity)


def _regression(features, target: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (rows, C) and bias (C,) of a logistic regression; one per label where a text may have several."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    weights, bias = np.zeros((features.shape[1], classes), np.float32), np.zeros(classes, np.float32)
    with threadpool_limits(1):
        if target.ndim == 1:
            model = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS).fit(features, target)
            known = model.classes_ if len(model.classes_) > 2 else model.classes_[1:]
            weights[:, known], bias[known] = model.coef_.T, model.intercept_
            return weights, bias
        for label in range(classes):
            share = float(target[:, label].mean())
            if 0 < share < 1:
                model = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS).fit(features, target[:, label])
                weights[:, label], bias[label] = model.coef_[0], model.intercept_[0]
            else:
                bias[label] = 5.0 if share else -5.0  # every training text has the label, or none has it
    return weights, bias
