"""The members without gradient steps, each as candidates on held rows and as the one that was chosen: linear, waves, trees, kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from applied_dl.tasks.tabular.fit.boosting import DEPTHS, FEW_ROWS, MOST_TREES, deal, fit_bags
from applied_dl.tasks.tabular.fit.kernel import kernel_paths, predict_paths
from applied_dl.tasks.tabular.fit.solve import PENALTIES, STRENGTHS, linear_path
from applied_dl.tasks.tabular.models.flat import Flat, kernel_head, linear_head, trees_head, waves_head
from applied_dl.tasks.tabular.models.numeric import smooth_clip

WAVES = {False: 512, True: 256}  # of numbers, of classes, whose solver is slower
SCALES = {False: (0.5, 1.0), True: (0.7,)}  # reciprocal widths of the kernel, in median distances of two rows
SAMPLE = 500  # rows whose distances are measured
SMOOTHING = 5.0  # rows of the mean target that are added to each level of a category
EVERY = 10  # trees between two candidates
INNER = 5  # folds within which a row's own target is left out of the means of its categories


class Rows(NamedTuple):
    """Rows that members are fitted to or predict.

    x: flat features (N, D), without the means of the wide categories or with them. codes: (N, C). y: targets (N, O), one-hot or
    standardised. units: (N,) ids that rows share which belong together (copies, a patient), so that none is predicted by the others.
    """

    x: np.ndarray
    codes: np.ndarray
    y: np.ndarray
    units: np.ndarray

    def take(self, rows) -> Rows:
        """Some of them."""
        return Rows(*(values[rows] for values in self))


class Task(NamedTuple):
    """What is the same for every member: the flat columns, whether the targets are classes, the seed."""

    flat: Flat
    classes: bool
    seed: int


class Solved(NamedTuple):
    """A fitted member: flat vectors (N, D) → (N, O), and its layers on a flat vector (B, D) → (B, 1, O)."""

    predict: Callable[[np.ndarray], np.ndarray]
    head: Callable


class Member(NamedTuple):
    """candidates(task, rows, held) → predictions (K, N_held, O); chosen(task, rows, k) → the member of candidate k. `Rows` with means."""

    candidates: Callable[..., np.ndarray]
    chosen: Callable[..., Solved]


def mean_tables(task: Task, codes: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """Tables (levels, width) of the mean target of each level of the wide categories, less the mean of all rows."""
    y = y[:, 1:] if task.classes and y.shape[1] == 2 else y
    y = y - y.mean(0)
    tables = []
    for i in task.flat.wide:
        levels = task.flat.levels[i]
        sums = np.stack([np.bincount(codes[:, i], column, minlength=levels) for column in y.T], axis=1)
        tables.append((sums / (np.bincount(codes[:, i], minlength=levels) + SMOOTHING)[:, None]).astype(np.float32))
    return tuple(tables)


def with_means(task: Task, rows: Rows, tables: tuple[np.ndarray, ...]) -> Rows:
    """The rows with the means of the wide categories behind their features."""
    return rows._replace(x=np.concatenate([rows.x, *(table[rows.codes[:, i]] for i, table in zip(task.flat.wide, tables))], axis=1))


def crossed_means(task: Task, rows: Rows) -> Rows:
    """Training rows with the means of the wide categories; no row's own target, nor that of its unit, is part of its means."""
    if not task.flat.wide:
        return rows
    fold = deal(rows.units, INNER, np.random.default_rng(task.seed))
    width = task.flat.width * len(task.flat.wide)
    found = np.concatenate([rows.x, np.zeros((len(rows.x), width), np.float32)], axis=1)
    for k in range(INNER):
        held, others = np.flatnonzero(fold == k), rows.take(fold != k)
        if len(held) and len(others.x):
            found[held] = with_means(task, rows.take(held), mean_tables(task, others.codes, others.y)).x
    return rows._replace(x=found)


def _linear_candidates(task: Task, rows: Rows, held: Rows) -> np.ndarray:
    used = task.flat.for_sums()
    return np.stack([one.predict(held.x[:, used]) for one in linear_path(rows.x[:, used], rows.y, task.classes)])


def _linear_chosen(task: Task, rows: Rows, k: int) -> Solved:
    used = task.flat.for_sums()
    one = linear_path(rows.x[:, used], rows.y, task.classes, only=k)[0]
    kernel = np.zeros((rows.x.shape[1], rows.y.shape[1]))
    kernel[used] = one.kernel
    return Solved(lambda held: held @ kernel + one.bias, lambda vector: linear_head(vector, kernel, one.bias))


def _waves_of(task: Task, x: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Directions (D, M) and phases (M,) of a Gaussian kernel as wide as the median distance of two rows, divided by `scale`."""
    random, used, count = np.random.default_rng(task.seed), task.flat.for_sums(), WAVES[task.classes]
    some = smooth_clip(x[random.permutation(len(x))[:SAMPLE]][:, used])
    square = (some**2).sum(1)
    apart = np.sqrt(np.maximum(square[:, None] + square - 2 * some @ some.T, 0))[np.triu_indices(len(some), 1)]
    width = float(np.median(apart[apart > 1e-3])) if (apart > 1e-3).any() else 1.0
    directions = np.zeros((x.shape[1], count), np.float32)
    directions[used] = random.normal(size=(len(used), count)) * np.sqrt(2) * scale / width
    return directions, random.uniform(0, 2 * np.pi, count).astype(np.float32)


def _waves_candidates(task: Task, rows: Rows, held: Rows) -> np.ndarray:
    found = []
    for scale in SCALES[task.classes]:
        directions, phase = _waves_of(task, rows.x, scale)
        inner, outer = (np.cos(smooth_clip(x) @ directions + phase) for x in (rows.x, held.x))
        found += [one.predict(outer) for one in linear_path(inner, rows.y, task.classes)]
    return np.stack(found)


def _waves_chosen(task: Task, rows: Rows, k: int) -> Solved:
    place, penalty = divmod(k, len(STRENGTHS if task.classes else PENALTIES))
    directions, phase = _waves_of(task, rows.x, SCALES[task.classes][place])
    one = linear_path(np.cos(smooth_clip(rows.x) @ directions + phase), rows.y, task.classes, only=penalty)[0]
    return Solved(
        lambda held: one.predict(np.cos(smooth_clip(held) @ directions + phase)),
        lambda vector: waves_head(vector, directions, phase, one.kernel, one.bias),
    )


def _trees_candidates(task: Task, rows: Rows, held: Rows) -> np.ndarray:
    used, kept = task.flat.for_cuts(), slice(EVERY - 1, None, EVERY)
    depths = DEPTHS if len(rows.x) >= FEW_ROWS else DEPTHS[:1]
    x, more = rows.x[:, used], {"units": rows.units, "held": (held.x[:, used], held.y)}
    return np.concatenate([fit_bags(x, rows.y, task.classes, task.seed, depth, **more)[1][kept] for depth in depths])


def _trees_chosen(task: Task, rows: Rows, k: int) -> Solved:
    used = task.flat.for_cuts()
    place, step = divmod(k, MOST_TREES // EVERY)
    count = (step + 1) * EVERY
    trees = fit_bags(rows.x[:, used], rows.y, task.classes, task.seed, DEPTHS[place], count, units=rows.units)[0]
    trees = trees._replace(columns=used[trees.columns])
    return Solved(trees.predict, lambda vector: trees_head(vector, *trees))


def _compared(task: Task, x: np.ndarray) -> tuple[np.ndarray, int]:
    """The columns between which distances are taken, and how many of the last are 0 or 1."""
    plain, binary = task.flat.for_distances()
    return np.concatenate([smooth_clip(x[:, plain]), x[:, binary]], axis=1).astype(np.float32), len(binary)


def _kernel_candidates(task: Task, rows: Rows, held: Rows) -> np.ndarray:
    (inner, binary), (outer, _) = _compared(task, rows.x), _compared(task, held.x)
    return predict_paths(kernel_paths(inner, rows.y, binary), outer)


def _kernel_chosen(task: Task, rows: Rows, k: int) -> Solved:
    inner, binary = _compared(task, rows.x)
    one = kernel_paths(inner, rows.y, binary, only=k)[0]
    plain, flags = task.flat.for_distances()
    return Solved(
        lambda held: one.predict(_compared(task, held)[0]),
        lambda vector: kernel_head(vector, plain, flags, one.kind, one.scale, one.rows, one.dual, one.bias),
    )


MEMBERS = {
    "linear": Member(_linear_candidates, _linear_chosen),
    "waves": Member(_waves_candidates, _waves_chosen),
    "trees": Member(_trees_candidates, _trees_chosen),
    "kernel": Member(_kernel_candidates, _kernel_chosen),
}
