"""The training of word vectors: portions of text, lock-free threads over shared tables (Hogwild, Recht et al., 2011), exact resume.

Noise, windows and order are functions of (seed, epoch, portion) alone, so a run resumed after any portion goes on as if never killed:
bit for bit with one thread; with several the updates race, and only their order differs.
"""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec
import numpy as np
import tensorflow as tf

from applied_dl import console
from applied_dl.errors import DataError
from applied_dl.train import checkpoint
from applied_dl.train.engine import STOPPED, History
from applied_dl.train.word_text import Text, keep_shares, noise_table, portion, stretches

CALL = 50  # steps of one call of the compiled function
LOWEST = 1e-4  # share of the first step size that the last steps have
LINES = 12  # of plain progress, about


class Plan(NamedTuple):
    """`make()` gives one compiled function a thread over `tables`; `shape` is what a step takes (see word_steps)."""

    tables: list[tf.Variable]
    make: object
    shape: object


def learn(plan: Plan, text: Text, *, epochs: int, rate: float, sample: float, threads: int, seed: int, minutes: float = 1.0,
          workspace=None, words: int | None = None) -> History:  # fmt: skip
    """Train `plan.tables` in place. words: of one epoch before rare ones were left out, for the words/s that are told.

    Raises `DataError` where the loss is not finite. Ctrl-C ends the training; the vectors learnt so far are kept.
    """
    run = _Run(plan, text, epochs, rate, sample, threads, seed, minutes, workspace, words or len(text.ids))
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

    def __init__(self, plan, text, epochs, rate, sample, threads, seed, minutes, workspace, words):
        self.plan, self.text, self.epochs, self.rate, self.seed = plan, text, epochs, rate, seed
        self.minutes, self.workspace, self.words = minutes, workspace, words
        self.keep_share, self.noise = keep_shares(text.counts, sample), noise_table(text.counts)
        self.stretches = stretches(text)
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
        epoch, place = divmod(number, len(self.stretches))
        order = np.random.default_rng((self.seed, 1, epoch)).permutation(len(self.stretches))
        which = int(order[place])
        return portion(self.text, self.stretches[which], self.keep_share, self.noise, self.plan.shape, (self.seed, 2, epoch, which))

    def all(self) -> None:
        """Every portion that is still to do; the next one is prepared while one is learnt."""
        total = self.epochs * len(self.stretches)
        waiting = self.ready.submit(self.prepared, self.done) if self.done < total else None
        while self.done < total:
            start = time.perf_counter()
            here = waiting.result()
            waiting = self.ready.submit(self.prepared, self.done + 1) if self.done + 1 < total else None
            self.one(here, total)
            self.done += 1
            self.epoch_seconds += time.perf_counter() - start
            if self.done % len(self.stretches) == 0:
                self.close_epoch()
            self.keep(last=self.done == total)

    def one(self, here, total: int) -> None:
        """Learn a portion with all threads."""
        feed = [tf.constant(a) for a in (here.ids, here.left, here.right, here.noise)]
        calls = [(first, min(CALL, here.steps - first)) for first in range(0, here.steps, CALL)]
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
        epoch, size = len(self.history.rows) + 1, len(self.stretches)
        share = (self.done % size or size) / size
        speed = share * self.words / max(self.epoch_seconds, 1e-9)
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
        console.say("resume", f"{self.done} of {self.epochs * len(self.stretches)} portions of the text were done")

    def trial(self) -> float:
        """Seconds that the whole training would take, from its first portion (the tracing apart)."""
        total = self.epochs * len(self.stretches)
        here = self.prepared(0)
        self.one(here._replace(steps=min(here.steps, CALL * len(self.functions))), total)
        start = time.perf_counter()
        self.one(here, total)
        return (time.perf_counter() - start) * total
