"""The training of word vectors: portions of text, lock-free threads over shared tables (Hogwild, Recht et al., 2011), exact resume.

Noise, windows and order are functions of (seed, epoch, portion) alone, so a run resumed after any portion goes on as if never killed:
bit for bit with one thread; with several the updates race, and only their order differs.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from applied_dl.core.errors import DataError
from applied_dl.core.mapped import release
from applied_dl.core.records import History
from applied_dl.core.task import Pace, Trainer
from applied_dl.text.encoded_text import Text, stretches
from applied_dl.text.kernels import KernelState, train_pieces

PORTION = 2**20  # words of the text between two places where a training may be resumed
CALL = 2**13  # words of one call of a kernel
LOWEST = 1e-4  # share of the first step size that the last steps have


class Plan(NamedTuple):
    """What a training learns (`tables`) and from what.

    `calls(epoch, which)` gives one of the `portions` of an epoch as functions of the step size that may run at once, each giving (sum of
    losses, how many it sums up); `words` of text are one epoch, for the words/s of the progress lines.
    """

    tables: list[np.ndarray]
    portions: int
    calls: Callable[[int, int], list[Callable[[float], tuple[float, int]]]]
    words: int


def over_text(arrays: KernelState, text: Text, seed: int, words: int) -> Plan:
    """The plan of the kernels of `word_kernels` over a text."""
    cuts = stretches(text.ends, 0, len(text.ends), PORTION)
    train_pieces(arrays, 0, 0, 0, 0.0)  # compiles, or finds what an earlier run compiled

    def calls(epoch: int, which: int):
        release(text.ids)
        pieces = stretches(text.ends, *cuts[which], CALL)
        seeds = np.random.SeedSequence((seed, 2, epoch, which)).generate_state(len(pieces), np.uint64)
        return [partial(train_pieces, arrays, first, last, int(s >> np.uint64(1))) for (first, last), s in zip(pieces, seeds)]

    return Plan([arrays.inputs, arrays.outputs], len(cuts), calls, words)


def learn(plan: Plan, trainer: Trainer, *, epochs: int, rate: float, threads: int, seed: int, minutes: float = 1.0) -> History:
    """Train `plan.tables` in place by `trainer`; the last epoch stays.

    Raises `DataError` where the loss is not finite. Ctrl-C ends the training; the vectors trained so far are kept.
    """
    return trainer.run(PortionLoop(plan, epochs, rate, threads, seed, minutes), "words")


class PortionLoop:
    """A `core.task.Loop` over portions of the text, each learned by all threads."""

    steps = "closed-form steps of its own"
    remedy = "lower train.learning_rate"
    rising = False
    unit, monitor, last_is_best, patience = "portions of the text", "loss", True, 0

    def __init__(self, plan: Plan, epochs: int, rate: float, threads: int, seed: int, minutes: float):
        self.plan, self.epochs, self.rate, self.seed, self.threads = plan, epochs, rate, seed, threads
        self.checkpoint_minutes, self.speed = minutes, (plan.words, "words")
        self.done, self.total = 0, epochs * plan.portions
        self.stop = threading.Event()
        self.loss, self.count, self.seconds = 0.0, 0, 0.0  # of the present epoch

    def run(self, session) -> None:
        """The portions that are left. Ctrl-C closes the present epoch."""
        try:
            with ThreadPoolExecutor(self.threads) as pool:
                while self.done < self.total:
                    start = time.perf_counter()
                    self._learn(pool, self._portion(self.done))
                    self.done += 1
                    self.seconds += time.perf_counter() - start
                    if self.done % self.plan.portions == 0:
                        self._end_epoch(session)
                    else:
                        share = self.done % self.plan.portions / self.plan.portions
                        session.progress.within(share, self.loss / max(self.count, 1), self.seconds)
                    session.checkpoint()
        except KeyboardInterrupt:
            if self.done % self.plan.portions:
                self._end_epoch(session)
            raise

    def weights(self) -> list[np.ndarray]:
        """None: the tables are trained in place and the last ones stay."""
        return []

    def state(self) -> tuple[dict[str, list[np.ndarray]], dict]:
        """The tables, and the sums of the present epoch."""
        return {"tables": self.plan.tables}, {"loss": self.loss, "count": self.count, "seconds": self.seconds}

    def restore(self, done: int, arrays: dict[str, list[np.ndarray]], notes: dict) -> None:
        """Put a state back."""
        self.done, self.loss, self.count, self.seconds = done, notes["loss"], notes["count"], notes["seconds"]
        for table, value in zip(self.plan.tables, arrays["tables"], strict=True):
            table[:] = value

    def finish(self, best: list[np.ndarray] | None) -> None:
        """Nothing to do: the tables are trained in place."""

    def shorten(self, epochs: int) -> None:
        """The step size falls over this many epochs."""
        self.epochs, self.total = epochs, epochs * self.plan.portions

    def pace(self) -> Pace:
        """From the first calls of the first portion."""
        calls = self._portion(0)
        few = calls[: max(self.threads, len(calls) // 8)]
        start = time.perf_counter()
        with ThreadPoolExecutor(self.threads) as pool:
            self._learn(pool, few)
        return Pace(0.0, (time.perf_counter() - start) * len(calls) / len(few), self.plan.portions)

    def _portion(self, number: int) -> list[Callable[[float], tuple[float, int]]]:
        """The calls of the portion that is `number`-th in the whole training."""
        epoch, place = divmod(number, self.plan.portions)
        order = np.random.default_rng((self.seed, 1, epoch)).permutation(self.plan.portions)
        return self.plan.calls(epoch, int(order[place]))

    def _learn(self, pool: ThreadPoolExecutor, calls: list[Callable[[float], tuple[float, int]]]) -> None:
        """Learn a portion with all threads."""
        turn = itertools.count()

        def work() -> tuple[float, int]:
            loss, count = 0.0, 0
            while (i := next(turn)) < len(calls) and not self.stop.is_set():
                more = calls[i](self.rate * max(LOWEST, 1 - (self.done + i / len(calls)) / self.total))
                loss, count = loss + more[0], count + more[1]
            return loss, count

        jobs = [pool.submit(work) for _ in range(self.threads)]
        try:
            loss, count = np.sum([job.result() for job in jobs], 0)
        except KeyboardInterrupt:
            self.stop.set()  # the threads end with their current calls
            raise
        if not np.isfinite(loss):
            raise DataError(
                f"The loss of the word vectors became {loss} in epoch {self.done // self.plan.portions + 1}: expected finite numbers; "
                "lower train.learning_rate."
            )
        self.loss, self.count = self.loss + float(loss), self.count + int(count)

    def _end_epoch(self, session) -> None:
        loss = self.loss / self.count if self.count else float("nan")
        share = (self.done % self.plan.portions or self.plan.portions) / self.plan.portions
        speed = share * self.plan.words / max(self.seconds, 1e-9)
        rate = self.rate * max(LOWEST, 1 - self.done / self.total)
        session.record({"loss": loss, "learning_rate": rate, "words_per_second": speed, "seconds": self.seconds})
        self.loss, self.count, self.seconds = 0.0, 0, 0.0
