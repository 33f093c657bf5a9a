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

import msgspec
import numpy as np

from applied_dl.core import console
from applied_dl.core.errors import DataError
from applied_dl.text.encoded_text import Text, stretches
from applied_dl.text.kernels import KernelState, train_pieces
from applied_dl.text.word_ids import release
from applied_dl.training import checkpoints as checkpoint
from applied_dl.training.history import STOPPED, History

PORTION = 2**20  # words of the text between two places where a training may be resumed
CALL = 2**13  # words of one call of a kernel
LOWEST = 1e-4  # share of the first step size that the last steps have
LINES = 12  # of plain progress, about
SILENCE = 30  # seconds after which a long epoch tells how far it is


class Plan(NamedTuple):
    """What a training learns (`tables`) and from what.

    `calls(epoch, which)` gives one of the `portions` of an epoch as functions of the step size that may run at once, each giving (sum of
    losses, how many it sums up); `words` of text are one epoch, for the words/s that are told.
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


def learn(plan: Plan, *, epochs: int, rate: float, threads: int, seed: int, minutes: float = 1.0, workspace=None) -> History:
    """Train `plan.tables` in place.

    Raises `DataError` where the loss is not finite. Ctrl-C ends the training; the vectors trained so far are kept.
    """
    run = _Run(plan, epochs, rate, threads, seed, minutes, workspace)
    if workspace is not None and workspace.trial is not None:
        workspace.trial.append(run.trial())
        return run.history
    run.restore()
    try:
        run.all()
    except KeyboardInterrupt:
        if not run.done or (workspace is not None and not workspace.keeps):
            raise  # nothing is worth keeping yet, or this is a trial and the whole search is to end
        run.close_epoch()
        run.history.stopped = STOPPED
        console.say("stopped", "by hand; the vectors trained so far are kept")
        run.keep(last=True)
    return run.history


class _Run:
    """One training: where it is, and how to go on."""

    def __init__(self, plan, epochs, rate, threads, seed, minutes, workspace):
        self.plan, self.epochs, self.rate, self.seed, self.threads = plan, epochs, rate, seed, threads
        self.portions, self.checkpoints = plan.portions, checkpoint.Keeper(workspace, "words", minutes, "portions of the text")
        self.stop = threading.Event()
        self.done, self.loss, self.count = 0, 0.0, 0
        self.history = History(monitor="loss")
        self.epoch_seconds, self.last_line = 0.0, time.perf_counter()

    def portion(self, number: int):
        """The portion that is `number`-th in the whole training."""
        epoch, place = divmod(number, self.portions)
        order = np.random.default_rng((self.seed, 1, epoch)).permutation(self.portions)
        return self.plan.calls(epoch, int(order[place]))

    def all(self) -> None:
        """Every portion that is still to do."""
        total = self.epochs * self.portions
        with ThreadPoolExecutor(self.threads) as pool:
            while self.done < total:
                start = time.perf_counter()
                self.one(pool, self.portion(self.done), total)
                self.done += 1
                self.epoch_seconds += time.perf_counter() - start
                if self.done % self.portions == 0:
                    self.close_epoch()
                elif time.perf_counter() - self.last_line > SILENCE:
                    self.tell(f"{self.done % self.portions / self.portions:.0%} of it   ")
                self.keep(last=self.done == total)

    def one(self, pool, calls, total: int) -> None:
        """Learn a portion with all threads."""
        turn = itertools.count()

        def work():
            loss, count = 0.0, 0
            while (i := next(turn)) < len(calls) and not self.stop.is_set():
                more = calls[i](self.rate * max(LOWEST, 1 - (self.done + i / len(calls)) / total))
                loss, count = loss + more[0], count + more[1]
            return loss, count

        jobs = [pool.submit(work) for _ in range(self.threads)]
        try:
            found = np.sum([job.result() for job in jobs], 0)
        except KeyboardInterrupt:
            self.stop.set()  # the threads end with their current calls
            raise
        if not np.isfinite(found).all():
            raise DataError(
                f"The loss of the word vectors became {found[0]} in epoch {len(self.history.rows) + 1}: expected finite numbers; lower "
                "train.learning_rate."
            )
        self.loss, self.count = self.loss + float(found[0]), self.count + int(found[1])

    def tell(self, told: str = "") -> None:
        """A line for people: the loss and the speed of the epoch so far."""
        share = (self.done % self.portions or self.portions) / self.portions
        speed = share * self.plan.words / max(self.epoch_seconds, 1e-9)
        left = (self.epochs - self.done / self.portions) * self.epoch_seconds / share
        loss = self.loss / max(self.count, 1)
        rest = f"   {left:.0f} s left" if left >= 1 else ""
        console.say(f"epoch {-(-self.done // self.portions)}", f"{told}loss {loss:.4f}   {speed:,.0f} words/s{rest}")
        self.last_line = time.perf_counter()

    def close_epoch(self) -> None:
        """A row of the history, and a line for people."""
        epoch, size = len(self.history.rows) + 1, self.portions
        share = (self.done % size or size) / size
        speed = share * self.plan.words / max(self.epoch_seconds, 1e-9)
        loss = self.loss / self.count if self.count else float("nan")
        rate = self.rate * max(LOWEST, 1 - self.done / (self.epochs * size))
        row = {"epoch": epoch, "loss": loss, "learning_rate": rate, "words_per_second": speed, "seconds": self.epoch_seconds}
        self.history.rows.append(row)
        self.history.best_epoch, self.history.best = epoch, loss
        self.history.seconds += self.epoch_seconds
        if epoch in (1, self.epochs) or epoch % max(1, -(-self.epochs // LINES)) == 0:
            self.tell()
        self.loss, self.count, self.epoch_seconds = 0.0, 0, 0.0

    def keep(self, last: bool) -> None:
        """Write the state, where it is due."""
        notes = {"history": msgspec.to_builtins(self.history), "loss": self.loss, "count": self.count, "seconds": self.epoch_seconds}
        self.checkpoints.write(self.done, last, lambda: {"tables": self.plan.tables}, notes)

    def restore(self) -> None:
        """Put the newest state back, where this run resumes one."""
        found = self.checkpoints.read()
        if found is None:
            return
        self.done, arrays, notes = found
        for table, value in zip(self.plan.tables, arrays["tables"], strict=True):
            table[:] = value
        self.history = msgspec.convert(notes["history"], History)
        self.loss, self.count, self.epoch_seconds = notes["loss"], notes["count"], notes["seconds"]

    def trial(self) -> float:
        """Seconds that the whole training would take, from the first calls of its first portion."""
        total, calls = self.epochs * self.portions, self.portion(0)
        few = calls[: max(self.threads, len(calls) // 8)]
        start = time.perf_counter()
        with ThreadPoolExecutor(self.threads) as pool:
            self.one(pool, few, total)
        return (time.perf_counter() - start) * len(calls) / len(few) * total
