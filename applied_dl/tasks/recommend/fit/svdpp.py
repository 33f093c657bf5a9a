"""SVD++ (Koren, 2008) by stochastic gradient steps: whom a user rated says something, whatever the ratings were."""

from __future__ import annotations

import time

import numpy as np

from applied_dl.core.task import Pace
from applied_dl.tasks.recommend.fit.rows import grouped
from applied_dl.tasks.recommend.models.factors import Member
from applied_dl.training.compiled import compiled_freely

SMALL = 0.1  # standard deviation of the first factors
FASTER = 0.9  # the step size falls by this factor each epoch


@compiled_freely
def pass_users(order, starts, items, y, bu, bi, P, Q, Y, rate, penalty):
    """One pass over the users in this order; the sum of the squared errors. The implicit part of a user is added up once per user."""
    D = P.shape[1]
    z, gradient = np.empty(D), np.empty(D)
    loss = 0.0
    for u in order:
        first, last = starts[u], starts[u + 1]
        if first == last:
            continue
        root = 1.0 / np.sqrt(last - first)
        z[:] = 0.0
        gradient[:] = 0.0
        for e in range(first, last):
            for d in range(D):
                z[d] += root * Y[items[e], d]
        for e in range(first, last):
            i = items[e]
            found = bu[u] + bi[i]
            for d in range(D):
                found += (P[u, d] + z[d]) * Q[i, d]
            error = y[e] - found
            loss += error * error
            bu[u] += rate * (error - penalty * bu[u])
            bi[i] += rate * (error - penalty * bi[i])
            for d in range(D):
                p, q = P[u, d], Q[i, d]
                gradient[d] += error * q
                P[u, d] += rate * (error * q - penalty * p)
                Q[i, d] += rate * (error * (p + z[d]) - penalty * q)
        for e in range(first, last):
            for d in range(D):
                Y[items[e], d] += rate * (root * gradient[d] - penalty * Y[items[e], d])
    return loss


class SvdppLoop:
    """A `core.task.Loop` over passes. Arguments as those of `GibbsLoop`, with a penalty and a step size.

    held: (users, items, ratings) that choose the pass, or None: then the last one stays.
    """

    steps = "gradient steps of its own"
    remedy = "lower train.learning_rate"
    rising = False
    unit = "epochs"

    def __init__(
        self, users: np.ndarray, items: np.ndarray, ratings: np.ndarray, shape: tuple[int, int], held: tuple | None, *, dimensions: int,
        penalty: float, rate: float, epochs: int, patience: int, seed: int, minutes: float,
    ):  # fmt: skip
        self.side, self.mean, self.held = grouped(users, items, shape[0]), float(ratings.mean()), held
        self.y = (ratings[self.side.order] - self.mean).astype(np.float64)
        random = np.random.default_rng((seed, 0))
        P, Q, Y = (random.normal(0, SMALL, (count, dimensions)) for count in (shape[0], shape[1], shape[1]))
        self.tables = [np.zeros(shape[0]), np.zeros(shape[1]), P, Q, Y * 0]
        self.penalty, self.rate, self.seed = penalty, rate, seed
        self.epochs = self.total = epochs
        self.done, self.checkpoint_minutes, self.speed = 0, minutes, (len(users), "ratings")
        self.monitor, self.last_is_best, self.patience = ("val_rmse", False, patience) if held else ("loss", True, 0)

    def run(self, session) -> None:
        """The passes that are left."""
        while self.done < self.total and not session.finished:
            start = time.perf_counter()
            rate = self.rate * FASTER**self.done
            order = np.random.default_rng((self.seed, 1, self.done)).permutation(len(self.tables[0]))
            square = pass_users(order, self.side.starts, self.side.other, self.y, *self.tables, rate, self.penalty)
            self.done += 1
            row = {"loss": float(square) / len(self.y)} | ({"val_rmse": self._rmse()} if self.held else {})
            session.record({**row, "learning_rate": rate, "seconds": time.perf_counter() - start})
            session.checkpoint()

    def _rmse(self) -> float:
        users, items, ratings = self.held
        one = self.member()
        found = self.mean + np.einsum("nd,nd->n", one.users[users], one.items[items])
        return float(np.sqrt(np.mean((ratings - found) ** 2)))

    def member(self) -> Member:
        """The model: what a user rated is part of the factors."""
        bu, bi, P, Q, Y = self.tables
        rows = np.repeat(np.arange(len(P)), np.diff(self.side.starts))
        counts = np.maximum(np.diff(self.side.starts), 1)
        z = np.zeros_like(P)
        for d in range(P.shape[1]):
            z[:, d] = np.bincount(rows, Y[self.side.other, d], minlength=len(P)) / np.sqrt(counts)
        ones = np.ones((len(P), 1)), np.ones((len(Q), 1))
        return Member(np.concatenate([P + z, bu[:, None], ones[0]], axis=1), np.concatenate([Q, ones[1], bi[:, None]], axis=1))

    def weights(self) -> list[np.ndarray]:
        """Copies of the tables."""
        return [table.copy() for table in self.tables]

    def state(self) -> tuple[dict[str, list[np.ndarray]], dict]:
        """The tables."""
        return {"tables": self.tables}, {}

    def restore(self, done: int, arrays: dict[str, list[np.ndarray]], notes: dict) -> None:
        """Put a state back."""
        self.done = done
        for table, value in zip(self.tables, arrays["tables"], strict=True):
            table[:] = value

    def finish(self, best: list[np.ndarray] | None) -> None:
        """Leave the best tables."""
        for table, value in zip(self.tables, best or self.tables):
            table[:] = value

    def shorten(self, epochs: int) -> None:
        """Fewer passes."""
        self.epochs = self.total = epochs

    def pace(self) -> Pace:
        """Of one pass, after the kernel was compiled."""
        order = np.arange(len(self.tables[0]))
        for _ in range(2):
            start = time.perf_counter()
            pass_users(order, self.side.starts, self.side.other, self.y, *self.tables, self.rate, self.penalty)
        return Pace(0.0, time.perf_counter() - start, 1)
