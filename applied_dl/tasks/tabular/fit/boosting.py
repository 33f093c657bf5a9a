"""Gradient boosting of oblivious trees: the nodes of a level ask the same question, so that a tree of depth d is d comparisons and a table.

Such trees overfit small tables less than free ones, and are exact in an exported graph. Stagewise Newton steps (Friedman, Greedy Function
Approximation, 2001), oblivious trees with noise on the scores of cuts and random row weights (Prokhorenkova et al., CatBoost, 2018). What
their ordered boosting does along a permutation, models without a third of the rows do here: the prediction at which the gradient of a row
is taken comes from leaves whose values were fitted without it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from applied_dl.tasks.tabular.fit.grow import grow

MOST_TREES, PATIENCE = 1500, 80  # trees; of them without a lower held-out loss
RATES = {True: 0.03, False: 0.07}  # learning rate for classes, for numbers
BINS = 32  # of a column
DEPTHS = (4, 6)  # of trees, between which cross-validation chooses
BAGS, FEW_ROWS = 3, 200  # boosted models of other row weights, columns and noise that are averaged; for fewer rows one, of shallow trees
PENALTY = {True: 2.0, False: 3.0}  # rows of value 0 that are added to a leaf, for classes and for numbers
PARTS = {True: 3, False: 1}  # of the rows: cuts follow gradients at predictions fitted without the row's part; numbers did not gain by it
NOISE = {True: 0.5, False: 0.25}  # on the score of a cut, for classes and for numbers, in deviations of the residuals; falls to 0
COLUMNS, LEAST_COLUMNS, MOST_COLUMNS = 0.4, 5, 24  # share of the columns that a tree may use, at least and at most so many of them


class Trees(NamedTuple):
    """T trees: columns and thresholds (T, D) of their comparisons x > threshold, values (T, 2^D, O) of their leaves, base (O,).

    The first comparison is the lowest bit of the number of a leaf.
    """

    columns: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray
    base: np.ndarray

    def first(self, count: int) -> Trees:
        """The first `count` trees."""
        return self._replace(columns=self.columns[:count], thresholds=self.thresholds[:count], leaves=self.leaves[:count])

    @staticmethod
    def mean(bags: list[Trees]) -> Trees:
        """The trees of all of the models, which predict the mean of what the models do. Their depth is the same."""
        columns, thresholds, leaves, base = zip(*bags)
        return Trees(np.concatenate(columns), np.concatenate(thresholds), np.concatenate(leaves) / len(bags), np.mean(base, axis=0))

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Rows (N, F) → (N, O): standardised numbers, or logits."""
        found = np.tile(self.base, (len(x), 1))
        for columns, thresholds, leaves in zip(self.columns, self.thresholds, self.leaves):
            found += leaves[(x[:, columns] > thresholds) @ (1 << np.arange(len(columns)))]
        return found


def fit_trees(
    x: np.ndarray,
    y: np.ndarray,
    classes: bool,
    seed: int,
    count: int | None = None,
    held: tuple[np.ndarray, np.ndarray] | None = None,
    depth: int = DEPTHS[-1],
    units: np.ndarray | None = None,
) -> tuple[Trees, np.ndarray]:
    """Boosted trees and, where `held` rows are given, the predictions for them after each tree.

    Args:
        x: features (N, F) without NaN.
        y: targets (N, O): one-hot for classes, standardised numbers otherwise.
        classes: whether the loss is the log loss of a softmax; the squared error otherwise.
        seed: of the row weights, the columns and the noise.
        count: number of trees; at most `MOST_TREES` by default, fewer where the loss of held rows stops falling.
        held: features and targets of other rows.
        depth: comparisons of a tree.
        units: (N,) ids that rows share which belong together (copies, a patient); None where each row stands alone.

    Returns:
        The trees, and the held predictions (T, N_held, O): standardised numbers, or logits.
    """
    random, edges = np.random.default_rng(seed), [_edges(column) for column in x.T]
    codes = np.stack([np.searchsorted(edge, column) for edge, column in zip(edges, x.T)]).astype(np.uint8)  # x > edge[k] where code > k
    base, every = np.log(y.mean(0) + 1e-3) if classes else y.mean(0), np.arange(len(x))
    fitted, unseen_by = _parts(every if units is None else units, PARTS[classes], random)
    scores = np.tile(base, (len(fitted), len(x), 1))
    outside = None if held is None else np.tile(base, (len(held[0]), 1))
    columns, thresholds, leaves, path, losses = [], [], [], [], []
    counts = np.array([len(edge) for edge in edges])
    splittable = np.flatnonzero(counts > 0)
    for step in range((count or MOST_TREES) if len(splittable) else 0):
        gradients = y - (softmax(scores) if classes else scores)  # (M, N, O): of each model
        gradient = gradients[unseen_by, every]
        noise = NOISE[classes] * np.sqrt(np.mean(gradient**2)) * (1 - step / MOST_TREES)
        some = np.sort(random.permutation(splittable)[: _columns(len(splittable))])
        weight = random.exponential(size=len(x))
        random_scores = noise * random.normal(size=(depth, len(some), BINS - 1))
        cuts, leaf = grow(codes[some], counts[some], gradient * weight[:, None], weight, depth, PENALTY[classes], random_scores)
        values = [_leaf_values(leaf[rows], y[rows], one[rows], classes, depth) for rows, one in zip(fitted, gradients)]
        columns.append([some[j] for j, _ in cuts])
        thresholds.append([edges[some[j]][k] for j, k in cuts])
        leaves.append(values[-1])
        scores = scores + np.stack(values)[:, leaf]
        if held is not None:
            at = (held[0][:, columns[-1]] > np.array(thresholds[-1])) @ (1 << np.arange(depth))
            outside = outside + values[-1][at]
            path.append(outside)
            losses.append(loss_of(outside, held[1], classes))
            if count is None and len(losses) - int(np.argmin(losses)) > PATIENCE:
                break
    if not len(splittable):  # every column is constant: one tree that adds nothing
        columns, thresholds, leaves, path = [[0] * depth], [[0.0] * depth], [np.zeros((1 << depth, y.shape[1]))], [outside]
    found = Trees(np.array(columns, np.int32).reshape(-1, depth), np.array(thresholds, np.float32).reshape(-1, depth),
                  np.array(leaves).reshape(-1, 1 << depth, y.shape[1]), base)  # fmt: skip
    return found, np.array(path if held is not None else [])


def fit_bags(
    x: np.ndarray,
    y: np.ndarray,
    classes: bool,
    seed: int,
    depth: int,
    count: int | None = None,
    held: tuple[np.ndarray, np.ndarray] | None = None,
    units: np.ndarray | None = None,
) -> tuple[Trees, np.ndarray]:
    """As `fit_trees`, but the mean of `BAGS` such models where there are rows enough; held predictions (MOST_TREES, N_held, O)."""
    seeds = [seed + 7919 * bag for bag in range(BAGS if len(x) >= FEW_ROWS else 1)]
    bags, paths = zip(*(fit_trees(x, y, classes, one, count, held, depth, units) for one in seeds))
    if held is None:
        return Trees.mean(list(bags)), np.array([])
    every = np.arange(MOST_TREES)  # a model that stopped keeps its last predictions
    return Trees.mean(list(bags)), sum(path[np.minimum(every, len(path) - 1)] for path in paths) / len(paths)


def softmax(z: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def loss_of(scores: np.ndarray, y: np.ndarray, classes: bool) -> float:
    """Log loss of logits (N, C) against one-hot targets, or the mean squared error."""
    return float(-np.mean((y * np.log(softmax(scores) + 1e-7)).sum(-1)) if classes else np.mean((scores - y) ** 2))


def _parts(units: np.ndarray, parts: int, random) -> tuple[list[np.ndarray], np.ndarray]:
    """The rows that each model is fitted to, at last all of them, and for each row the model whose gradients choose its cuts."""
    every = np.arange(len(units))
    if parts == 1:
        return [every], np.zeros(len(units), int)
    part = deal(units, parts, random)
    return [*(np.flatnonzero(part != k) for k in range(parts)), every], part


def deal(units: np.ndarray, parts: int, random: np.random.Generator) -> np.ndarray:
    """The part (N,) of each row, 0 to `parts` - 1, by chance; rows of one unit are in one part, the parts of nearly equal size.

    Rows of fewer units than parts are dealt one by one: a part would be empty, or hold nearly all of them.
    """
    unit, size = np.unique(units, return_inverse=True, return_counts=True)[1:]
    if len(size) < parts or len(size) == len(units):
        return random.permutation(len(units)) % parts
    order = random.permutation(len(size))
    part, filled = np.zeros(len(size), int), np.zeros(parts, int)
    for one in order[np.argsort(-size[order], kind="stable")]:  # the largest first
        part[one] = np.argmin(filled)
        filled[part[one]] += size[one]
    return part[unit]


def _leaf_values(leaf, y, gradient, classes: bool, depth: int) -> np.ndarray:
    """(2^D, O): a Newton step in each leaf, times the learning rate."""
    p = y - gradient
    curvature = np.maximum(p * (1 - p), 1e-6) if classes else np.ones_like(p)
    total = _per_leaf(leaf, curvature, depth) + PENALTY[classes] * curvature.mean(0)
    return RATES[classes] * _per_leaf(leaf, gradient, depth) / total


def _columns(count: int) -> int:
    return min(count, max(LEAST_COLUMNS, min(MOST_COLUMNS, round(COLUMNS * count))))


def _edges(column: np.ndarray) -> np.ndarray:
    """At most `BINS` − 1 cuts between neighbouring values, float32; exact in half precision where the gap holds such a number.

    Values that many rows share (zero in nine rows of ten) have cuts on both sides, and quantiles of the other rows the rest.
    """
    values, counts = np.unique(column.astype(np.float32), return_counts=True)
    upper = np.arange(1, len(values))
    if len(values) > BINS:
        shared = np.flatnonzero(counts > len(column) / BINS)
        rest = np.delete(np.arange(len(values)), shared)
        steps = np.linspace(0, 1, max(BINS - 2 * len(shared), BINS // 4) + 1)[1:-1]
        spread = rest[np.searchsorted(np.cumsum(counts[rest]), steps * counts[rest].sum())] if len(rest) else rest
        upper = np.unique(np.concatenate([spread, shared, shared + 1]))
        upper = upper[(upper > 0) & (upper < len(values))]
        upper = upper[np.unique(np.linspace(0, len(upper) - 1, BINS - 1).round().astype(int))]
    low, high = values[upper - 1], values[upper]
    middle = (low + (high - low) / 2).astype(np.float32)
    middle = np.where(middle < high, middle, low)
    with np.errstate(over="ignore"):
        half = middle.astype(np.float16).astype(np.float32)
    return np.where((half >= low) & (half < high), half, middle)


def _per_leaf(leaf: np.ndarray, values: np.ndarray, depth: int) -> np.ndarray:
    return np.stack([np.bincount(leaf, column, minlength=1 << depth) for column in values.T], axis=1)
