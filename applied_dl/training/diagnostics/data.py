"""Checks of the rows alone: contradicting labels, rare classes, a feature that gives the target away, shared rows."""

from __future__ import annotations

import hashlib

import numpy as np

from applied_dl.core.records import Part, Prepared
from applied_dl.training.diagnostics.finding import Finding

CONFLICTS = 0.01  # share of the training rows
RATIO = 20.0  # commonest over rarest class
SHARED = 0.01  # share of the test rows that are training rows too
NATURAL = 0.8  # share of distinct training rows under which repeats come from few combinations of values, not from copies
ALONE = 0.98  # share of the target that one feature explains
MOST_FEATURES, SOME_ROWS = 400, 4000
SMALL = 30  # validation rows
KEPT_ROWS = 10
AHEAD = "future"  # the input of a forecaster that holds covariates known ahead


def check_data(prepared: Prepared, *, weighted: bool = False, epochs: bool = True) -> list[Finding]:
    """Every check that needs nothing but the rows.

    `weighted`: rare classes have larger weights already. `epochs`: validation rows choose the epoch.
    """
    part = prepared.train
    found = []
    target = None if part.target is None else np.asarray(part.target)
    keys = _keys(part.inputs)
    natural = int(prepared.facts.get("natural_repeats", 0))  # rows that are equal because few combinations of values exist
    if target is not None and len(target) == len(keys) and target.ndim == 1:
        found += _conflicts(keys, target, natural)
        if target.dtype.kind in "iu" and not weighted:
            found += _imbalance(target)
    found += _leaks(part.inputs, target)
    found += _shared(keys, prepared, natural)
    if epochs and 0 < len(prepared.validation) < SMALL <= len(part):
        found.append(
            Finding(
                name="small_validation",
                where="data.split",
                evidence=float(len(prepared.validation)),
                limit=float(SMALL),
                observed=f"only {len(prepared.validation)} validation rows choose the epoch",
                why="the best of many epochs on so few rows is chosen by chance",
                change="raise the second number of data.split",
            )
        )
    return found


def _keys(inputs: dict[str, np.ndarray]) -> np.ndarray:
    """One short key per row; equal rows have equal keys."""
    rows = [np.ascontiguousarray(a).reshape(len(a), -1) for a in inputs.values()]
    return np.array([hashlib.blake2b(b"".join(row.tobytes() for row in each), digest_size=8).digest() for each in zip(*rows)], dtype="S8")


def _with_target(part: Part) -> dict[str, np.ndarray]:
    """The inputs, and the target where there is one: rows that differ in it are no copies."""
    return part.inputs if part.target is None else {**part.inputs, "": np.asarray(part.target)}


def _conflicts(keys: np.ndarray, target: np.ndarray, natural: int) -> list[Finding]:
    """Equal rows, more than the natural ones, whose targets differ: by class, or by more than half a standard deviation."""
    _, group, count = np.unique(keys, return_inverse=True, return_counts=True)
    if count.max() == 1:
        return []
    low, high = np.full(len(count), np.inf), np.full(len(count), -np.inf)
    np.minimum.at(low, group, target)
    np.maximum.at(high, group, target)
    least = 0.5 if target.dtype.kind in "iu" else 0.5 * float(np.std(target))
    rows = np.flatnonzero((high - low)[group] > least)
    share = len(rows) / len(target)
    if share <= CONFLICTS or len(rows) <= natural:
        return []
    rows = rows[np.argsort(group[rows], kind="stable")]
    return [
        Finding(
            name="conflicting_labels",
            where="data",
            evidence=share,
            limit=CONFLICTS,
            observed=f"{len(rows):,} training rows ({share:.1%}) have an equal row with another target",
            why="no model can be right on both",
            change="keep one label for each, or add the column that distinguishes the rows",
            rows=tuple(int(i) for i in rows[:KEPT_ROWS]),
        )
    ]


def _imbalance(target: np.ndarray) -> list[Finding]:
    count = np.bincount(target - target.min())
    count = count[count > 0]
    ratio = float(count.max() / count.min())
    if ratio <= RATIO or len(count) < 2:
        return []
    return [
        Finding(
            name="imbalance",
            where="target",
            evidence=ratio,
            limit=RATIO,
            observed=f"the most frequent class has {ratio:.0f} times the rows of the rarest ({count.max():,} and {count.min():,})",
            why=f"the rarest class is {count.min() / count.sum():.1%} of the rows: never to predict it costs no more accuracy than that",
            change='collect more rows of it; set train.class_weights = "balanced", and evaluate by f1 or auc rather than accuracy',
        )
    ]


def _leaks(inputs: dict[str, np.ndarray], target: np.ndarray | None) -> list[Finding]:
    """A single feature that predicts the target almost alone."""
    if target is None or len(target) < 50 or target.dtype.kind not in "iuf":
        return []
    pick = np.linspace(0, len(target) - 1, min(SOME_ROWS, len(target))).astype(np.int64)
    best, where = 0.0, ""
    for name, array in inputs.items():
        if len(array) != len(target) or array.dtype.kind not in "iuf":
            continue
        if target.ndim == 1 and array.ndim == 1:  # a column of a table
            scores = [_alone(array[pick], target[pick])]
        elif target.ndim == 1 and array.ndim == 2 and array.dtype.kind == "f" and array.shape[1] <= MOST_FEATURES:  # ids are tokens
            scores = [_alone(array[pick, f], target[pick]) for f in range(array.shape[1])]
        elif name == AHEAD and target.ndim == 3 and array.ndim == 3 and array.shape[1] >= target.shape[1]:
            ahead = array[pick, -target.shape[1] :]  # (N, L + H, F): the steps to be forecast come last
            scores = [
                max(_squared_correlation(ahead[..., f], target[pick, :, d]) for d in range(target.shape[2])) for f in range(array.shape[2])
            ]
        else:
            continue
        if scores and max(scores) > best:
            best, where = max(scores), name if array.ndim == 1 else f"{name}[{int(np.argmax(scores))}]"
    if best <= ALONE:
        return []
    return [
        Finding(
            name="leakage",
            where=where,
            evidence=best,
            limit=ALONE,
            observed=f"the feature {where} alone explains {best:.1%} of the target",
            why="it is probably derived from the target, and will not be known when the model is used",
            change="drop the column, unless it is known before the target is",
        )
    ]


def _alone(feature: np.ndarray, target: np.ndarray) -> float:
    """Share (0..1) of the error of a constant prediction that a small tree on this one feature removes, on other rows."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    classes = target.dtype.kind in "iu"
    tree = (DecisionTreeClassifier if classes else DecisionTreeRegressor)(max_leaf_nodes=64, min_samples_leaf=3, random_state=0)
    x = np.nan_to_num(feature.astype(np.float32))[:, None]
    tree.fit(x[::2], target[::2])
    predicted, truth = tree.predict(x[1::2]), target[1::2]
    if classes:
        constant = np.bincount(truth - truth.min()).max() / len(truth)
        return (float((predicted == truth).mean()) - constant) / (1 - constant) if constant < 1 else 0.0
    return 1 - float(np.mean((predicted - truth) ** 2) / max(np.var(truth), 1e-30))


def _squared_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Squared correlation of two arrays."""
    a, b = a.ravel().astype(np.float64), np.nan_to_num(b.ravel().astype(np.float64))
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1] ** 2)


def _shared(keys: np.ndarray, prepared: Prepared, natural: int) -> list[Finding]:
    """Test rows, more than the natural repeats, that are training rows too."""
    if set(prepared.test.inputs) != set(prepared.train.inputs) or not len(prepared.test):
        return []
    if prepared.train.extra.get("kind") == "words":  # a vocabulary: both parts name rows of one table, and the text was split
        return []
    if len(np.unique(keys)) < NATURAL * len(keys):  # few combinations: training rows repeat each other just as often
        return []
    both = np.isin(_keys(_with_target(prepared.test)), _keys(_with_target(prepared.train)))
    share = float(both.mean())
    if share <= SHARED or both.sum() <= natural:
        return []
    return [
        Finding(
            name="shared_rows",
            where="data.test",
            evidence=share,
            limit=SHARED,
            observed=f"{int(both.sum()):,} test rows ({share:.1%}) are training rows too",
            why="the test score counts rows that were memorized",
            change="remove the duplicates, or let data.split divide the rows (equal rows then stay on one side)",
            rows=tuple(int(i) for i in np.flatnonzero(both)[:KEPT_ROWS]),
        )
    ]
