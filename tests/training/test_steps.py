"""Steps inside a graph against the same steps one by one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from applied_dl.training.batches import batch_maker, plan
from applied_dl.training.source import resident
from applied_dl.training.steps import block_starts, evaluation, train_inside


def net() -> keras.Model:
    keras.utils.set_random_seed(3)
    x = keras.Input((4,), name="x")
    return keras.Model({"x": x}, keras.layers.Dense(1)(keras.layers.Dense(8, activation="tanh")(x)))


def data(rows: int):
    x = np.random.default_rng(0).normal(size=(rows, 4)).astype(np.float32)
    return x, x.sum(1, keepdims=True)


def compiled(model: keras.Model) -> keras.Model:
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)
    return model


def test_blocks_take_the_very_steps_that_a_loop_by_hand_takes():
    x, y = data(60)
    source, cut = resident({"x": x}, y), plan(60, 5)
    one, other = compiled(net()), net()
    train_inside(one, source, cut, seed=7)
    one.fit(block_starts(cut, 0), steps_per_epoch=cut.steps // cut.execution, epochs=2, shuffle=False, verbose=0)
    make = batch_maker(source, cut, 7)
    for step in range(2 * cut.steps):
        inputs, target = make(tf.constant(step, tf.int64))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(other(inputs) - target))
        for variable, gradient in zip(other.trainable_variables, tape.gradient(loss, [v.value for v in other.trainable_variables])):
            variable.assign_sub(0.1 * gradient)
    for a, b in zip(one.get_weights(), other.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 30])
def test_an_evaluation_counts_every_row_once(rows):
    x, y = data(rows)
    model = compiled(net())
    found = evaluation(model, resident({"x": x}, y), 8)()
    error = model.predict({"x": x}, verbose=0) - y
    assert found["loss"] == pytest.approx(np.mean(error**2), rel=1e-5)
    assert found["mae"] == pytest.approx(np.mean(np.abs(error)), rel=1e-5)


def test_weights_of_rows_count_in_an_evaluation():
    x, y = data(20)
    weight = np.arange(20, dtype=np.float32)
    model = compiled(net())
    found = evaluation(model, resident({"x": x}, y, weight), 6)()
    error = (model.predict({"x": x}, verbose=0) - y)[:, 0]
    batches = [slice(i, i + 6) for i in range(0, 20, 6)]
    by_batch = [np.sum(weight[b] * error[b] ** 2) / len(error[b]) for b in batches]  # Keras' mean over a batch, weighed by its rows
    assert found["loss"] == pytest.approx(np.average(by_batch, weights=[len(error[b]) for b in batches]), rel=1e-4)


def test_an_evaluation_sees_the_weights_of_its_moment():
    x, y = data(10)
    model = compiled(net())
    evaluate = evaluation(model, resident({"x": x}, y), 8)
    before = evaluate()["loss"]
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    assert evaluate()["loss"] == pytest.approx(np.mean(y**2), rel=1e-5)
    assert before != pytest.approx(np.mean(y**2), rel=1e-3)
