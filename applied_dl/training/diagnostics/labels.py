"""Rows whose label a trained net confidently contradicts, and targets far from all others.

Northcutt, Jiang and Chuang, Confident Learning (2021), with held-out rows in place of cross-validation.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from applied_dl.training.batches import ordered_batches
from applied_dl.training.diagnostics.case import Case, kind_of, most_rows
from applied_dl.training.diagnostics.finding import Finding

SURE, DENIED = 0.5, 0.1  # probability of the predicted class, and of the label
CONTRADICTED = 0.06  # share of the held-out rows
OUTLIER, OUTLIERS = 12.0, 2  # times the usual distance from the middle; how many training rows
KEPT_ROWS = 10


def check_labels(case: Case) -> list[Finding]:
    """On the trained model and the validation rows (classification), or on the training targets (numbers)."""
    kind = kind_of(case.loss)
    if kind in ("CategoricalCrossentropy", "Focal") and case.validation is not None:
        return _contradicted(case)
    if kind in ("MeanSquaredError", "MeanAbsoluteError", "Huber", "Quantile", "GaussianNLL"):
        return _outliers(case)
    return []


def _contradicted(case: Case) -> list[Finding]:
    found = [
        (np.asarray(tf.cast(case.model(batch[0], training=False), tf.float32)), np.asarray(batch[1]))
        for batch in ordered_batches(case.validation, min(512, most_rows(case.model)))
    ]
    logits, truth = (np.concatenate(parts) for parts in zip(*found))
    p = np.asarray(keras.ops.softmax(logits))
    if p.ndim == 3:  # outputs (N, k, C) of the members, targets (N, 1, C)
        p, truth = p.mean(1), truth[:, 0]
    if truth.shape != p.shape or len(truth) < 50:
        return []
    given, seen = truth.argmax(1), p.argmax(1)
    right = float((given == seen).mean())
    doubt = (p.max(1) > SURE) & (p[np.arange(len(p)), given] < DENIED)
    share = float(doubt.mean())
    if share <= CONTRADICTED or right < 0.5:  # a net that is mostly wrong cannot tell
        return []
    worst = np.flatnonzero(doubt)[np.argsort(p[np.arange(len(p)), given][doubt])]
    return [
        Finding(
            name="suspicious_labels",
            where="validation",
            evidence=share,
            limit=CONTRADICTED,
            observed=f"the net is sure of another class for {int(doubt.sum()):,} validation rows ({share:.1%}); it is right on {right:.1%}",
            why="so many confident mistakes mean wrong labels, or two classes that the inputs do not distinguish",
            change="check and correct these rows (plots/worst.png shows them); train.label_smoothing = 0.1 lessens their effect",
            rows=tuple(int(i) for i in worst[:KEPT_ROWS]),
        )
    ]


def _outliers(case: Case) -> list[Finding]:
    """Targets very far from the middle half of all."""
    index = np.linspace(0, case.source.size - 1, min(20_000, case.source.size)).astype(np.int64)
    target = np.asarray(tf.cast(case.source.gather(tf.constant(index))[1], tf.float32), np.float64)
    low, middle, high = np.quantile(target, [0.25, 0.5, 0.75])
    spread = max(high - low, 1e-12)
    away = np.abs(target - middle).reshape(len(target), -1).max(1) / spread
    count = int((away > OUTLIER).sum())
    if count < OUTLIERS or count > 0.01 * len(target) or high == low:
        return []
    return [
        Finding(
            name="outlying_targets",
            where="target",
            evidence=float(away.max()),
            limit=OUTLIER,
            observed=f"{count:,} training targets lie up to {away.max():,.0f} times the middle half's width away from it",
            why="under a squared loss these few rows outweigh all the others",
            change='check these rows; set train.loss = "huber" or "mae", or take the logarithm of amounts',
            rows=tuple(int(i) for i in index[np.argsort(-away)[: min(count, KEPT_ROWS)]]),
        )
    ]
