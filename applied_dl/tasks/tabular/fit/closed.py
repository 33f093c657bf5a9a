"""The members without gradient steps, each as candidates on held rows and as the one that was chosen: linear, waves, trees, kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from applied_dl.tasks.tabular.fit.boosting import DEPTHS, FEW_ROWS, MOST_TREES, fit_bags
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
    """Flat features without means (N, D), codes (N, C), and targets (N, O), one-hot or standardised."""

    x: np.ndarray
    codes: np.ndarray
    y: np.ndarray

    def take(self, rows) -> Rows:
        """Some of them."""
        return Rows(self.x[rows], self.codes[rows], self.y[rows])


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
    """candidates(task, x, y, x_held, y_held) → predictions (K, N_held, O); chosen(task, x, y, k) → the member of candidate k."""

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


def with_means(task: Task, rows: Rows, tables: tuple[np.ndarray, ...]) -> np.ndarray:
    """The flat vectors (N, D) with the means of the wide categories."""
    return np.concatenate([rows.x, *(table[rows.codes[:, i]] for i, table in zip(task.flat.wide, tables))], axis=1)


def crossed_means(task: Task, rows: Rows) -> np.ndarray:
    """The flat vectors of training rows, each with means of categories that its own target is no part of."""
    if not task.flat.wide:
        return rows.x
    fold = np.random.default_rng(task.seed).permutation(len(rows.x)) % INNER
    width = task.flat.width * len(task.flat.wide)
    found = np.concatenate([rows.x, np.zeros((len(rows.x), width), np.float32)], axis=1)
    for k in range(INNER):
        held, others = np.flatnonzero(fold == k), rows.take(fold != k)
        if len(held) and len(others.x):
            found[held] = with_means(task, rows.take(held), mean_tables(task, others.codes, others.y))
    return found


def _linear_candidates(task: Task, x, y, x_held, y_held) -> np.ndarray:
    used = task.flat.for_sums()
    return np.stack([one.predict(x_held[:, used]) for one in linear_path(x[:, used], y, task.classes)])


def _linear_chosen(task: Task, x, y, k: int) -> Solved:
    used = task.flat.for_sums()
    one = linear_path(x[:, used], y, task.classes, only=k)[0]
    kernel = np.zeros((x.shape[1], y.shape[1]))
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


def _waves_candidates(task: Task, x, y, x_held, y_held) -> np.ndarray:
    found = []
    for scale in SCALES[task.classes]:
        directions, phase = _waves_of(task, x, scale)
        inner, outer = (np.cos(smooth_clip(rows) @ directions + phase) for rows in (x, x_held))
        found += [one.predict(outer) for one in linear_path(inner, y, task.classes)]
    return np.stack(found)


def _waves_chosen(task: Task, x, y, k: int) -> Solved:
    place, penalty = divmod(k, len(STRENGTHS if task.classes else PENALTIES))
    directions, phase = _waves_of(task, x, SCALES[task.classes][place])
    one = linear_path(np.cos(smooth_clip(x) @ directions + phase), y, task.classes, only=penalty)[0]
    return Solved(
        lambda held: one.predict(np.cos(smooth_clip(held) @ directions + phase)),
        lambda vector: waves_head(vector, directions, phase, one.kernel, one.bias),
    )


def _trees_candidates(task: Task, x, y, x_held, y_held) -> np.ndarray:
    used, kept = task.flat.for_cuts(), slice(EVERY - 1, None, EVERY)
    depths = DEPTHS if len(x) >= FEW_ROWS else DEPTHS[:1]
    found = [fit_bags(x[:, used], y, task.classes, task.seed, depth, held=(x_held[:, used], y_held))[1][kept] for depth in depths]
    return np.concatenate(found)


def _trees_chosen(task: Task, x, y, k: int) -> Solved:
    used = task.flat.for_cuts()
    place, step = divmod(k, MOST_TREES // EVERY)
    trees = fit_bags(x[:, used], y, task.classes, task.seed, DEPTHS[place], count=(step + 1) * EVERY)[0]
    trees = trees._replace(columns=used[trees.columns])
    return Solved(trees.predict, lambda vector: trees_head(vector, *trees))


def _compared(task: Task, x: np.ndarray) -> tuple[np.ndarray, int]:
    """The columns between which distances are taken, and how many of the last are 0 or 1."""
    plain, binary = task.flat.for_distances()
    return np.concatenate([smooth_clip(x[:, plain]), x[:, binary]], axis=1).astype(np.float32), len(binary)


def _kernel_candidates(task: Task, x, y, x_held, y_held) -> np.ndarray:
    (inner, binary), (outer, _) = _compared(task, x), _compared(task, x_held)
    return predict_paths(kernel_paths(inner, y, binary), outer)


def _kernel_chosen(task: Task, x, y, k: int) -> Solved:
    inner, binary = _compared(task, x)
    one = kernel_paths(inner, y, binary, only=k)[0]
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
