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
from typing import NamedTuple

import msgspec
import numpy as np
import tensorflow as tf

from applied_dl import console
from applied_dl.errors import DataError
from applied_dl.train import checkpoint
from applied_dl.train.engine import STOPPED, History
from applied_dl.train.word_steps import compiled
from applied_dl.train.word_text import Text, keep_shares, noise_table, portion, stretches

CALL = 50  # steps of one call of the compiled function
LOWEST = 1e-4  # share of the first step size that the last steps have
LINES = 12  # of plain progress, about


class Plan(NamedTuple):
    """What a training learns (`tables`) and from what.

    `make()` gives a compiled function (*arrays, first, steps, rate) → loss, one for each thread; `prepare(epoch, which)` gives the arrays
    of one of the `portions` of an epoch and their number of steps; `words` of text are one epoch, for the words/s that are told.
    """

    tables: list[tf.Variable]
    make: Callable[[], Callable]
    portions: int
    prepare: Callable[[int, int], tuple[list[np.ndarray], int]]
    words: int


def over_text(tables: list[tf.Variable], step, shape, text: Text, sample: float, seed: int, words: int) -> Plan:
    """The plan of a step of `word_steps` over a text."""
    keep, noise, cuts = keep_shares(text.counts, sample), noise_table(text.counts), stretches(text)

    def prepare(epoch: int, which: int):
        found = portion(text, cuts[which], keep, noise, shape, (seed, 2, epoch, which))
        return [found.ids, found.left, found.right, found.noise], found.steps

    return Plan(tables, lambda: compiled(step, shape), len(cuts), prepare, words)


def learn(plan: Plan, *, epochs: int, rate: float, threads: int, seed: int, minutes: float = 1.0, workspace=None) -> History:
    """Train `plan.tables` in place.

    Raises `DataError` where the loss is not finite. Ctrl-C ends the training; the vectors learnt so far are kept.
    """
    run = _Run(plan, epochs, rate, threads, seed, minutes, workspace)
    if workspace is not None and workspace.trial is not None:
        workspace.trial.append(run.trial())
        return run.history
    run.restore()
    try:
        run.all()
    except KeyboardInterrupt:
        if not run.done:
            raise  # before the first portion there is nothing worth keeping
        run.close_epoch()
        run.history.stopped = STOPPED
        console.say("stopped", "by hand; the vectors learnt so far are kept")
        run.keep(last=True)
    return run.history


class _Run:
    """One training: where it is, and how to go on."""

    def __init__(self, plan, epochs, rate, threads, seed, minutes, workspace):
        self.plan, self.epochs, self.rate, self.seed = plan, epochs, rate, seed
        self.minutes, self.workspace, self.portions = minutes, workspace, plan.portions
        self.functions = [plan.make() for _ in range(threads)]
        self.pool = ThreadPoolExecutor(threads)
        self.ready = ThreadPoolExecutor(1)
        self.stop = threading.Event()
        self.done, self.losses, self.began = 0, [], time.perf_counter()
        self.history = History(monitor="loss")
        self.folder = workspace.folder / "checkpoints" / "words" if workspace else None
        self.last_write, self.write_seconds = time.perf_counter(), 0.0
        self.epoch_seconds = 0.0

    def prepared(self, number: int):
        """The portion that is `number`-th in the whole training."""
        epoch, place = divmod(number, self.portions)
        order = np.random.default_rng((self.seed, 1, epoch)).permutation(self.portions)
        return self.plan.prepare(epoch, int(order[place]))

    def all(self) -> None:
        """Every portion that is still to do; the next one is prepared while one is learnt."""
        total = self.epochs * self.portions
        waiting = self.ready.submit(self.prepared, self.done) if self.done < total else None
        while self.done < total:
            start = time.perf_counter()
            here = waiting.result()
            waiting = self.ready.submit(self.prepared, self.done + 1) if self.done + 1 < total else None
            self.one(here, total)
            self.done += 1
            self.epoch_seconds += time.perf_counter() - start
            if self.done % self.portions == 0:
                self.close_epoch()
            self.keep(last=self.done == total)

    def one(self, here, total: int) -> None:
        """Learn a portion with all threads."""
        arrays, steps = here
        feed = [tf.constant(a) for a in arrays]
        calls = [(first, min(CALL, steps - first)) for first in range(0, steps, CALL)]
        turn = itertools.count()

        def work(function):
            losses = []
            while (i := next(turn)) < len(calls) and not self.stop.is_set():
                rate = self.rate * max(LOWEST, 1 - (self.done + i / len(calls)) / total)
                losses.append(function(*feed, tf.constant(calls[i][0]), tf.constant(calls[i][1]), tf.constant(rate, tf.float32)))
            return [float(loss) for loss in losses]

        jobs = [self.pool.submit(work, function) for function in self.functions]
        try:
            found = [loss for job in jobs for loss in job.result()]
        except KeyboardInterrupt:
            self.stop.set()  # the threads end with their current calls
            for job in jobs:
                self.losses += job.result()
            raise
        if not np.isfinite(found).all():
            raise DataError(
                f"The loss of the word vectors became {found[-1]} in epoch {len(self.history.rows) + 1}: expected finite numbers; lower "
                "train.learning_rate."
            )
        self.losses += found

    def close_epoch(self) -> None:
        """A row of the history, and a line for people."""
        epoch, size = len(self.history.rows) + 1, self.portions
        share = (self.done % size or size) / size
        speed = share * self.plan.words / max(self.epoch_seconds, 1e-9)
        loss = float(np.mean(self.losses)) if self.losses else float("nan")
        rate = self.rate * max(LOWEST, 1 - self.done / (self.epochs * size))
        row = {"epoch": epoch, "loss": loss, "learning_rate": rate, "words_per_second": speed, "seconds": self.epoch_seconds}
        self.history.rows.append(row)
        self.history.best_epoch, self.history.best = epoch, loss
        self.history.seconds += self.epoch_seconds
        left = (self.epochs - epoch) * self.epoch_seconds
        if epoch in (1, self.epochs) or epoch % max(1, -(-self.epochs // LINES)) == 0:
            console.say(f"epoch {epoch}", f"loss {loss:.4f}   {speed:,.0f} words/s" + (f"   {left:.0f} s left" if left >= 1 else ""))
        self.losses, self.epoch_seconds = [], 0.0

    def keep(self, last: bool) -> None:
        """Write the state, where it is due and where writing has cost under 3 % of the time."""
        waited = time.perf_counter() - self.last_write
        if self.folder is None or not (last or (waited >= 60 * self.minutes and waited >= 33 * self.write_seconds)):
            return
        start = time.perf_counter()
        notes = {"history": msgspec.to_builtins(self.history), "losses": self.losses, "seconds": self.epoch_seconds}
        try:
            checkpoint.write(self.folder, self.done, {"tables": [t.numpy() for t in self.plan.tables]}, notes, self.workspace.identity)
        except OSError as error:  # a full disk must not end a training that needs it only at its end
            console.warn(f"no checkpoint was left at {str(self.folder)!r}: {error.strerror or error}; training goes on")
        self.last_write = time.perf_counter()
        self.write_seconds = self.last_write - start

    def restore(self) -> None:
        """Put the newest state back, where this run resumes one."""
        found = checkpoint.read(self.folder, self.workspace.identity) if self.folder and self.workspace.resume else None
        if found is None:
            return
        self.done, arrays, notes = found
        for table, value in zip(self.plan.tables, arrays["tables"], strict=True):
            table.assign(value)
        self.history = msgspec.convert(notes["history"], History)
        self.losses, self.epoch_seconds = notes["losses"], notes["seconds"]
        console.say("resume", f"{self.done} of {self.epochs * self.portions} portions of the text were done")

    def trial(self) -> float:
        """Seconds that the whole training would take, from its first portion (the tracing apart)."""
        total = self.epochs * self.portions
        here = self.prepared(0)
        self.one((here[0], min(here[1], CALL * len(self.functions))), total)
        start = time.perf_counter()
        self.one(here, total)
        return (time.perf_counter() - start) * total
