"""Two nets that learn from each other: relativistic pairing loss with both gradient penalties, and a moving average of the generator.

Huang et al., The GAN is dead; long live the GAN! A modern baseline GAN (2024). Each step of both nets compares a real row with a made one
of the same label; the penalties on the critic's gradient at real and at made rows (R1, R2) make the training converge locally.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from applied_dl.core.task import Pace
from applied_dl.training.schedules import Schedule

BETA_2 = 0.99
CHUNK = 16  # steps of one call of the graph
MEASURES = ("loss", "critic_loss", "critic_wins", "score_gap", "penalty", "diversity")


class Nets(NamedTuple):
    """The generator, the critic, and the generator whose weights are the moving average; all take inputs by name."""

    generator: keras.Model
    critic: keras.Model
    average: keras.Model


class AdversarialLoop:
    """A `core.task.Loop` of pairs of steps: the critic's, then the generator's.

    Args:
        nets: to train.
        rows: real rows (N, …), in the units of the generator's output, by a function of row numbers (B,).
        labels: (N,) int32, or None.
        size: how many rows there are.
        settings: the resolved `[train]` section.
        gamma: weight of the gradient penalties.
        latent: numbers of the generator's latent.
    """

    steps = "steps of two nets that learn from each other, without a loss that falls as they get better"
    remedy = "lower train.learning_rate or raise learn.gamma"
    rising = False
    unit, monitor, last_is_best, patience = "epochs", "loss", True, 0
    adversarial = True  # its curves are read as those of two nets

    def __init__(self, nets: Nets, rows: Callable, labels: np.ndarray | None, size: int, settings, gamma: float, latent: int):
        self.nets, self.rows, self.size, self.settings, self.gamma, self.latent = nets, rows, size, settings, gamma, latent
        self.labels = None if labels is None else tf.constant(labels, tf.int32)
        self.batch = min(size, size if settings.batch_size == "all" else int(settings.batch_size))
        self.per_epoch = max(1, size // self.batch)
        self.checkpoint_minutes, self.speed = settings.checkpoint_minutes, (self.per_epoch * self.batch, "rows")
        self.seed, self.done = settings.seed, 0
        self.optimizers = [
            keras.optimizers.Adam(settings.learning_rate, beta_1=0.0, beta_2=BETA_2, name=n) for n in ("critic", "generator")
        ]
        self.optimizers[0].build(nets.critic.trainable_variables)
        self.optimizers[1].build(nets.generator.trainable_variables)
        self.take_steps = self._compiled()
        self.shorten(settings.epochs)

    def run(self, session) -> None:
        """The epochs that are left."""
        ends = False
        while self.done < self.epochs and not ends:
            start, order, found = time.perf_counter(), self._order(self.done), []
            for at in range(0, self.per_epoch, CHUNK):
                found.append(self._take(order[at : at + CHUNK], self.done * self.per_epoch + at))
                share = min(1.0, (at + CHUNK) / self.per_epoch)
                if share < 1:
                    session.progress.within(share, float(found[-1][-1][0]), time.perf_counter() - start)
            self.done += 1
            row = dict(zip(MEASURES, np.concatenate(found).mean(0).astype(float).tolist()))
            row["learning_rate"] = float(self.rates[self.done * self.per_epoch - 1])
            ends = session.record({**row, "seconds": time.perf_counter() - start})
            session.checkpoint()

    def weights(self) -> list[np.ndarray]:
        """None: the last weights of the average stay."""
        return []

    def _variables(self) -> list:
        return [v for part in (*self.nets, *self.optimizers) for v in part.variables]

    def state(self) -> tuple[dict[str, list[np.ndarray]], dict]:
        """All weights, and the moments of both optimizers."""
        return {"state": [np.array(keras.ops.convert_to_numpy(v)) for v in self._variables()]}, {}

    def restore(self, done: int, arrays: dict[str, list[np.ndarray]], notes: dict) -> None:
        """Put a state back."""
        self.done = done
        for variable, value in zip(self._variables(), arrays["state"], strict=True):
            variable.assign(value)

    def finish(self, best: list[np.ndarray] | None) -> None:
        """Nothing to do: the average is trained in place."""

    def shorten(self, epochs: int) -> None:
        """The learning rate of every step of this many epochs."""
        self.epochs = self.total = epochs
        count = self.per_epoch * epochs
        schedule = Schedule(self.settings.schedule, float(self.settings.learning_rate), count, self.settings.warmup)
        self.rates = np.asarray(schedule(np.arange(count)), np.float32)

    def pace(self) -> Pace:
        """From a few steps."""
        order, marks = self._order(0)[:4], [time.perf_counter()]
        for _ in range(2):  # the first traces
            self._take(order, 0)
            marks.append(time.perf_counter())
        return Pace(marks[1] - marks[0], (marks[2] - marks[1]) / len(order), self.per_epoch)

    def _order(self, epoch: int) -> np.ndarray:
        """(S, B) row numbers of an epoch; what does not fill a batch is left to another epoch."""
        order = np.random.default_rng([self.seed, 5, epoch]).permutation(self.size)
        return order[: self.per_epoch * self.batch].reshape(self.per_epoch, self.batch)

    def _take(self, order: np.ndarray, first: int) -> np.ndarray:
        """Measures (S, M) of the steps."""
        rates = self.rates[first : first + len(order)]
        return self.take_steps(tf.constant(order), tf.constant(rates), tf.constant(first)).numpy()

    def _compiled(self) -> Callable:
        """`(order (S, B), rates (S,), first step) -> measures (S, M)`: S steps of both nets in one graph."""
        generator, critic, average = self.nets
        learn_critic, learn_generator = self.optimizers
        decay, gamma = float(self.settings.ema), self.gamma

        def inputs(latent, label) -> dict:
            return {"latent": latent} if label is None else {"latent": latent, "label": label}

        def seen(rows, label) -> dict:
            return {"sample": rows} if label is None else {"sample": rows, "label": label}

        def score(rows, label):
            return tf.cast(critic(seen(rows, label), training=True), tf.float32)

        def with_slope(rows, label):
            """Scores (B,), and the squared norm (B,) of their gradient at the rows."""
            with tf.GradientTape() as inner:
                inner.watch(rows)
                found = score(rows, label)
                total = tf.reduce_sum(found)
            slope = inner.gradient(total, rows)
            return found, tf.reduce_sum(tf.square(slope), axis=list(range(1, len(rows.shape))))

        def critic_step(real, label, noise):
            made = tf.stop_gradient(tf.cast(generator(inputs(noise, label), training=True), tf.float32))
            with tf.GradientTape() as tape:
                on_real, slope_real = with_slope(real, label)
                on_made, slope_made = with_slope(made, label)
                gap = on_real - on_made
                loss = tf.reduce_mean(tf.nn.softplus(-gap))
                penalty = tf.reduce_mean(slope_real + slope_made) / 2
                total = loss + gamma * penalty
            learn_critic.apply(tape.gradient(total, critic.trainable_variables), critic.trainable_variables)
            spread = tf.reduce_mean(tf.math.reduce_std(made, axis=0)) / tf.reduce_mean(tf.math.reduce_std(real, axis=0))
            return loss, tf.reduce_mean(tf.cast(gap > 0, tf.float32)), tf.reduce_mean(gap), penalty, spread

        def generator_step(real, label, noise):
            with tf.GradientTape() as tape:
                made = tf.cast(generator(inputs(noise, label), training=True), tf.float32)
                loss = tf.reduce_mean(tf.nn.softplus(score(real, label) - score(made, label)))
            learn_generator.apply(tape.gradient(loss, generator.trainable_variables), generator.trainable_variables)
            return loss

        def follow(step):
            share = tf.minimum(decay, (1.0 + step) / (10.0 + step))  # the average forgets the first weights quickly
            for slow, now in zip(average.variables, generator.variables):
                slow.assign(now + share * (slow - now) if slow.trainable else now)

        @tf.function(reduce_retracing=True)
        def run(order, rates, first):
            found = tf.TensorArray(tf.float32, tf.shape(order)[0])
            for i in tf.range(tf.shape(order)[0]):
                real = self.rows(order[i])
                label = None if self.labels is None else tf.gather(self.labels, order[i])
                for learner in (learn_critic, learn_generator):
                    learner.learning_rate.assign(rates[i])
                noise = [tf.random.stateless_normal((self.batch, self.latent), (self.seed, 2 * (first + i) + k)) for k in range(2)]
                loss, wins, gap, penalty, spread = critic_step(real, label, noise[0])
                own = generator_step(real, label, noise[1])
                follow(tf.cast(first + i, tf.float32))
                found = found.write(i, tf.stack([own, loss, wins, gap, penalty, spread]))
            return found.stack()

        return run
