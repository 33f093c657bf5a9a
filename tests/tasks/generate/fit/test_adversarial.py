"""Two nets: they learn a simple distribution, resume to the bit, and their penalty is that of the gradients."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from applied_dl.tasks.generate.fit.adversarial import AdversarialLoop, Nets
from applied_dl.tasks.generate.models import row_critic, row_generator
from applied_dl.tasks.generate.models.rows import as_row
from applied_dl.training.trainer import CheckpointingTrainer

SIZES = (3, 2)


def settings(**more):
    usual = {
        "batch_size": 32, "epochs": 3, "checkpoint_minutes": 0.0, "seed": 0, "learning_rate": 2e-3, "schedule": "constant", "warmup": 0.0,
        "ema": 0.9,
    }  # fmt: skip
    return types.SimpleNamespace(**{**usual, **more})


def loop(gamma: float = 1.0, **more) -> AdversarialLoop:
    """The second column repeats whether the first is 0; the first has shares 0.6, 0.3, 0.1."""
    keras.utils.set_random_seed(0)
    codes = np.random.default_rng(0).choice(3, 512, p=(0.6, 0.3, 0.1))
    rows = np.asarray(as_row(np.stack([codes, codes == 0], 1).astype(np.int32), np.full((512, 2), 0.5, np.float32), SIZES))
    data = tf.constant(rows)
    generator, average = (row_generator(SIZES, 4, width=32) for _ in range(2))
    average.set_weights(generator.get_weights())
    nets = Nets(generator, row_critic(SIZES, width=32), average)
    return AdversarialLoop(nets, lambda index: tf.gather(data, index), None, len(rows), settings(**more), gamma, 4)


def test_it_learns_shares_and_what_belongs_together():
    made = loop(epochs=60, learning_rate=1e-3, schedule="cosine", gamma=0.5)
    history = CheckpointingTrainer().run(made)
    row = made.nets.average.predict({"latent": np.random.default_rng(1).normal(size=(2000, 4)).astype(np.float32)}, verbose=0)
    first, second = row[:, :3].argmax(1), row[:, 3:5].argmax(1)
    shares = np.bincount(first, minlength=3) / len(first)
    assert abs(shares[0] - 0.6) < 0.15
    assert ((first == 0) == (second == 1)).mean() > 0.9
    assert history.rows[-1]["epoch"] == 60
    assert {"critic_wins", "diversity", "penalty"} < set(history.rows[0])


def test_a_resumed_training_ends_with_the_same_bits(tmp_path):
    whole = loop()
    CheckpointingTrainer().run(whole)
    first = loop()
    first.shorten(3)
    for epoch in range(2):  # two epochs, then the state of a new process
        for at in range(0, first.per_epoch, 16):
            first._take(first._order(epoch)[at : at + 16], epoch * first.per_epoch + at)
    arrays, notes = first.state()
    again = loop()
    keras.utils.set_random_seed(99)  # nothing depends on the state of global generators
    again.restore(2, arrays, notes)
    CheckpointingTrainer().run(again)
    for one, two in zip(whole.state()[0]["state"], again.state()[0]["state"], strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_average_follows_the_generator():
    made = loop(epochs=1)
    CheckpointingTrainer().run(made)
    gaps = [float(np.abs(a - b).max()) for a, b in zip(made.nets.generator.get_weights(), made.nets.average.get_weights())]
    assert 0 < max(gaps) < 0.5


def test_the_penalty_is_the_mean_squared_slope_of_the_critic():
    made = loop(epochs=1, learning_rate=1e-12)
    order = made._order(0)[:1]
    real = made.rows(tf.constant(order[0]))
    noise = tf.random.stateless_normal((made.batch, 4), (made.seed, 0))
    fake = made.nets.generator({"latent": noise}, training=True)
    squares = []
    for rows in (real, fake):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            score = made.nets.critic({"sample": rows})
        squares.append(tf.reduce_sum(tape.gradient(score, rows) ** 2, 1).numpy())
    loss, critic_loss, wins, gap, penalty, _ = made._take(order, 0)[0]
    assert penalty == pytest.approx(np.mean(squares), rel=1e-4)
    difference = (made.nets.critic({"sample": real}) - made.nets.critic({"sample": fake})).numpy()
    assert gap == pytest.approx(difference.mean(), rel=1e-4)
    assert critic_loss == pytest.approx(np.log1p(np.exp(-difference)).mean(), rel=1e-4)
    assert wins == pytest.approx((difference > 0).mean())
    assert loss > 0


def test_few_rows_are_one_batch():
    made = loop(batch_size="all", epochs=1)
    assert (made.batch, made.per_epoch) == (512, 1)
