"""Biased matrix factorisation of ratings by Gibbs sampling (Salakhutdinov and Mnih, 2008): an ensemble without a penalty to be tuned.

A rating is μ + b_u + b_i + p_u · q_i (Koren, 2009) with normal noise. Each sweep draws the rows of all users given those of the items, the
other way round, then the means and covariances that the rows are drawn from, and the noise. What is averaged are whole models of the last
sweeps: each fits the ratings about equally well, and their errors differ.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from applied_dl.core.task import Pace
from applied_dl.tasks.recommend.fit.rows import grouped, solve_rows, threads
from applied_dl.tasks.recommend.models.factors import Member

SMALL = 0.1  # standard deviation of the first factors
OBSERVED = 2.0  # rows that the prior of a mean counts as


class GibbsLoop:
    """A `core.task.Loop` whose epochs are sweeps.

    Args:
        users, items, ratings: (N,) rows from 0 on and the ratings.
        shape: numbers of users and items.
        dimensions: D of the factors, beside the biases.
        samples: models that are kept, evenly from the last three quarters of the sweeps.
    """

    steps = "draws from a distribution"
    remedy = "lower model.dimensions"
    rising = False
    unit, monitor, last_is_best, patience = "sweeps", "loss", True, 0

    def __init__(
        self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray, shape: tuple[int, int], *, dimensions: int, samples: int,
        epochs: int, seed: int, minutes: float,
    ):  # fmt: skip
        self.sides = grouped(users, items, shape[0]), grouped(items, users, shape[1])
        self.mean = float(ratings.mean())
        self.y = [(ratings[side.order] - self.mean).astype(np.float64) for side in self.sides]
        random = np.random.default_rng((seed, 0))
        self.tables = [random.normal(0, SMALL, (count, dimensions + 1)) for count in shape]  # the last column is the bias
        for table in self.tables:
            table[:, -1] = 0
        self.precision, self.seed, self.samples = 1 / max(float(ratings.var()), 1e-6), seed, samples
        self.kept: list[list[np.ndarray]] = [[], []]
        self.precisions: list[float] = []
        self.epochs = self.total = epochs
        self.done, self.checkpoint_minutes, self.speed = 0, minutes, (len(users), "ratings")

    def run(self, session) -> None:
        """The sweeps that are left."""
        while self.done < self.total and not session.finished:
            start = time.perf_counter()
            loss = self.sweep(self.done)
            self.done += 1
            if self._keeps(self.done):
                for kept, table in zip(self.kept, self.tables):
                    kept.append(table.astype(np.float32))
                self.precisions.append(self.precision)
            session.record({"loss": loss, "seconds": time.perf_counter() - start})
            session.checkpoint()

    def _keeps(self, number: int) -> bool:
        """Whether the model after so many sweeps is one of those that are averaged."""
        samples = min(self.samples, self.total)
        first = min(self.total // 4, self.total - samples)
        return number in {first + round((i + 1) * (self.total - first) / samples) for i in range(samples)}

    def sweep(self, number: int) -> float:
        """Draw both sides and the noise; the mean squared error of the ratings. A function of the state and (seed, number)."""
        random = np.random.default_rng((self.seed, 1, number))
        with ThreadPoolExecutor(threads()) as pool:
            for which in (0, 1):
                self._draw(which, random, pool)
        side, square, (P, Q) = self.sides[0], 0.0, self.tables
        rows = np.repeat(np.arange(len(P)), np.diff(side.starts))
        for at in range(0, len(rows), 2**20):
            u, i = rows[at : at + 2**20], side.other[at : at + 2**20]
            found = np.einsum("nd,nd->n", P[u, :-1], Q[i, :-1]) + P[u, -1] + Q[i, -1]
            square += float(np.sum((self.y[0][at : at + 2**20] - found) ** 2))
        self.precision = float(random.gamma(1 + len(rows) / 2) / (1 + square / 2))
        return square / len(rows)

    def _draw(self, which: int, random: np.random.Generator, pool: ThreadPoolExecutor) -> None:
        """One side given the other: its biases and factors together, the column of ones of the other side for the bias."""
        own, other, side = self.tables[which], self.tables[1 - which], self.sides[which]
        mean, precision = draw_prior(own, random)
        factors = np.concatenate([other[:, :-1], np.ones((len(other), 1))], axis=1)
        target = self.precision * (self.y[which] - other[side.other, -1])
        weight = np.full(len(target), self.precision)
        solve_rows(side, weight, target, factors, precision, precision @ mean, random.standard_normal(own.shape), own, pool)

    def members(self) -> list[Member]:
        """The models that were kept."""
        found = []
        for P, Q in zip(*self.kept):
            one = np.ones((len(P), 1), np.float32), np.ones((len(Q), 1), np.float32)
            found.append(Member(np.concatenate([P, one[0]], axis=1), np.concatenate([Q[:, :-1], one[1], Q[:, -1:]], axis=1)))
        return found

    def noise_precision(self) -> float:
        """1 / variance of the ratings about the model, the mean of the kept sweeps."""
        return float(np.mean(self.precisions))

    def state(self) -> tuple[dict[str, list[np.ndarray]], dict]:
        """The tables, and the models kept so far."""
        arrays = {"tables": self.tables, "users": self.kept[0], "items": self.kept[1]}
        return arrays, {"precision": self.precision, "precisions": list(self.precisions)}

    def restore(self, done: int, arrays: dict[str, list[np.ndarray]], notes: dict) -> None:
        """Put a state back."""
        self.done, self.precision, self.precisions = done, notes["precision"], list(notes["precisions"])
        for table, value in zip(self.tables, arrays["tables"], strict=True):
            table[:] = value
        self.kept = [list(arrays.get("users", [])), list(arrays.get("items", []))]

    def weights(self) -> list[np.ndarray]:
        """None: the models are kept by the loop."""
        return []

    def finish(self, best: list[np.ndarray] | None) -> None:
        """Where the training ended before a model was kept, the last one is."""
        if not self.precisions:
            self.kept = [[table.astype(np.float32)] for table in self.tables]
            self.precisions = [self.precision]

    def shorten(self, epochs: int) -> None:
        """Fewer sweeps."""
        self.epochs = self.total = epochs

    def pace(self) -> Pace:
        """Of one sweep, after the kernels were compiled."""
        self.sweep(0)
        start = time.perf_counter()
        self.sweep(1)
        return Pace(0.0, time.perf_counter() - start, 1)


def draw_prior(rows: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A mean (D,) and precision (D, D) of rows (N, D), from their normal–Wishart posterior (Bartlett, 1933)."""
    count, D = rows.shape
    middle = rows.mean(0)
    spread = np.atleast_2d(np.cov(rows.T, bias=True))
    inverse = np.eye(D) + count * spread + count * OBSERVED / (count + OBSERVED) * np.outer(middle, middle)
    scale = np.linalg.inv(inverse)
    lower = np.linalg.cholesky((scale + scale.T) / 2)
    draw = np.tril(random.standard_normal((D, D)), -1)
    draw[np.diag_indices(D)] = np.sqrt(random.chisquare(D + count - np.arange(D)))
    root = lower @ draw
    precision = root @ root.T
    noise = np.linalg.solve(np.linalg.cholesky((count + OBSERVED) * precision).T, random.standard_normal(D))
    return count * middle / (count + OBSERVED) + noise, precision
