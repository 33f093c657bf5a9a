"""Implicit alternating least squares (Hu, Koren and Volinsky, 2008): factors in closed form, side after side."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from applied_dl.core.task import Pace
from applied_dl.tasks.recommend.fit.rows import grouped, solve_rows, threads

SMALL = 0.1  # standard deviation of the first factors, times 1 / √D


class AlsLoop:
    """A `core.task.Loop` whose epochs solve all users and then all items.

    Args:
        users, items, weights: (N,) rows from 0 on, and the weight w of each event: its confidence is 1 + α w.
        shape: numbers of users and items.
        dimensions, confidence, regularization: D, α and the ridge penalty.
    """

    steps = "closed-form steps of its own"
    remedy = "raise model.regularization"
    rising = False
    unit, monitor, last_is_best, patience = "sweeps", "loss", True, 0

    def __init__(
        self, users: np.ndarray, items: np.ndarray, weights: np.ndarray, shape: tuple[int, int], *, dimensions: int, confidence: float,
        regularization: float, epochs: int, seed: int, minutes: float,
    ):  # fmt: skip
        self.sides = grouped(users, items, shape[0]), grouped(items, users, shape[1])
        self.confidence = [weights[side.order].astype(np.float64) * confidence for side in self.sides]
        self.ridge = regularization
        random = np.random.default_rng(seed)
        self.P = np.zeros((shape[0], dimensions))
        self.Q = random.normal(0, SMALL / np.sqrt(dimensions), (shape[1], dimensions))
        self.epochs = self.total = epochs
        self.done, self.checkpoint_minutes, self.speed = 0, minutes, (len(users), "events")

    def run(self, session) -> None:
        """The sweeps that are left."""
        while self.done < self.total and not session.finished:
            start = time.perf_counter()
            loss = self.sweep()
            self.done += 1
            session.record({"loss": loss, "seconds": time.perf_counter() - start})
            session.checkpoint()

    def sweep(self) -> float:
        """Solve both sides; the mean squared error of the events before the second."""
        with ThreadPoolExecutor(threads()) as pool:
            self._solve(0, self.Q, self.P, pool)
            side, loss = self.sides[0], 0.0
            rows = np.repeat(np.arange(len(self.P)), np.diff(side.starts))
            for at in range(0, len(rows), 2**20):
                one = slice(at, at + 2**20)
                loss += float(np.sum((1 - np.einsum("nd,nd->n", self.P[rows[one]], self.Q[side.other[one]])) ** 2))
            self._solve(1, self.P, self.Q, pool)
        return loss / max(len(rows), 1)

    def _solve(self, which: int, factors: np.ndarray, out: np.ndarray, pool: ThreadPoolExecutor) -> None:
        D = factors.shape[1]
        matrix = factors.T @ factors + self.ridge * np.eye(D)
        weight = self.confidence[which]
        target = (weight > 0) + weight
        solve_rows(self.sides[which], weight, target, factors, matrix, np.zeros(D), np.zeros((0, D)), out, pool)

    def whitened(self) -> np.ndarray:
        """(I, D) factors of the items, scaled such that the penalty on a user's factors is the unit matrix."""
        matrix = self.Q.T @ self.Q + self.ridge * np.eye(self.Q.shape[1])
        return np.linalg.solve(np.linalg.cholesky(matrix), self.Q.T).T

    def state(self) -> tuple[dict[str, list[np.ndarray]], dict]:
        """The factors."""
        return {"factors": [self.P, self.Q]}, {}

    def restore(self, done: int, arrays: dict[str, list[np.ndarray]], notes: dict) -> None:
        """Put a state back."""
        self.done = done
        self.P[:], self.Q[:] = arrays["factors"]

    def weights(self) -> list[np.ndarray]:
        """None: the last sweep stays."""
        return []

    def finish(self, best: list[np.ndarray] | None) -> None:
        """Nothing to do: the factors are solved in place."""

    def shorten(self, epochs: int) -> None:
        """Fewer sweeps."""
        self.epochs = self.total = epochs

    def pace(self) -> Pace:
        """Of one sweep, after the kernels were compiled."""
        self.sweep()
        start = time.perf_counter()
        self.sweep()
        return Pace(0.0, time.perf_counter() - start, 1)
