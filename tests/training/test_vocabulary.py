"""Losses, optimisers and schedules by name, against closed forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from applied_dl.core import config
from applied_dl.core.errors import UsageError
from applied_dl.training.class_weights import class_weights
from applied_dl.training.losses import NAMES as LOSSES
from applied_dl.training.losses import loss
from applied_dl.training.optimizers import NAMES as OPTIMIZERS
from applied_dl.training.optimizers import check, optimizer
from applied_dl.training.schedules import SHAPES, Schedule
from applied_dl.workflows import recipes

random = np.random.default_rng(0)


def settings(**keys):
    chosen = {"epochs": 1, "optimizer": "adam", "learning_rate": 0.1, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0,
              "clip_norm": 0.0, "ema": 0.0, **keys}  # fmt: skip
    return config.replace(recipes.read_recipe("image"), train=chosen).train


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


CLOSED = {
    "mse": lambda y, z: np.mean((y - z) ** 2),
    "mae": lambda y, z: np.mean(np.abs(y - z)),
    "huber": lambda y, z: np.mean(np.where(np.abs(y - z) <= 1, (y - z) ** 2 / 2, np.abs(y - z) - 0.5)),
    "binary_crossentropy": lambda y, z: np.mean(np.log1p(np.exp(z)) - y * z),
    "crossentropy": lambda y, z: np.mean(-np.sum(y * np.log(softmax(z)), -1)),
    "hinge": lambda y, z: np.mean(np.maximum(0, 1 - (2 * y - 1) * z)),
    "squared_hinge": lambda y, z: np.mean(np.maximum(0, 1 - (2 * y - 1) * z) ** 2),
    "categorical_hinge": lambda y, z: np.mean(np.maximum(0, np.max((1 - y) * z, -1) - np.sum(y * z, -1) + 1)),
    "focal": lambda y, z: np.mean(-np.sum(y * (1 - softmax(z)) ** 2 * np.log(softmax(z)), -1)),
}


@pytest.mark.parametrize("name", CLOSED)
def test_losses_have_their_closed_form_in_value_and_gradient(name):
    z = random.normal(size=(6, 4)).astype(np.float32)
    y = np.eye(4, dtype=np.float32)[random.integers(0, 4, 6)]
    made = loss(name)
    with tf.GradientTape() as tape:
        variable = tf.Variable(z)
        value = made(y, variable)
    gradient = tape.gradient(value, variable).numpy()
    assert float(value) == pytest.approx(CLOSED[name](y, z.astype(np.float64)), abs=1e-5)
    for place in ((0, 0), (3, 2), (5, 1)):
        step = np.zeros_like(z, np.float64)
        step[place] = 1e-5
        numeric = (CLOSED[name](y, z + step) - CLOSED[name](y, z - step)) / 2e-5
        assert gradient[place] == pytest.approx(numeric, abs=1e-3)


def test_quantile_loss_is_the_pinball_of_each_quantile():
    y, z = random.normal(size=(8, 1)).astype(np.float32), random.normal(size=(8, 3)).astype(np.float32)
    q = np.array([0.1, 0.5, 0.9])
    expected = np.mean(np.maximum(q * (y - z), (q - 1) * (y - z)))
    assert float(loss("quantile", quantiles=tuple(q))(y, z)) == pytest.approx(expected, abs=1e-6)
    assert float(loss("quantile", quantiles=tuple(q))(y[:, 0], z)) == pytest.approx(expected, abs=1e-6)


def test_gaussian_nll_is_the_log_density():
    from scipy import stats

    y, z = random.normal(size=(8, 1)).astype(np.float32), random.normal(size=(8, 2)).astype(np.float32)
    expected = -stats.norm(z[:, 0], np.exp(z[:, 1] / 2)).logpdf(y[:, 0]).mean()
    assert float(loss("gaussian_nll")(y, z)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_survives_saving(name):
    made = loss(name)
    again = keras.losses.deserialize(keras.losses.serialize(made))
    assert again.get_config() == made.get_config()


def minimise(name, **keys):
    """Ten steps on the sum of squares of three numbers that start at 1."""
    made = optimizer(settings(optimizer=name, **keys), 10)
    x = keras.Variable(np.ones(3, np.float32), name="kernel")
    made.build([x])
    for _ in range(10):
        made.apply([2 * tf.convert_to_tensor(x.value)])
    return x.numpy()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_goes_downhill(name):
    rate = {"adadelta": 1.0, "adagrad": 0.5, "lion": 0.05}.get(name, 0.05)
    assert (np.abs(minimise(name, learning_rate=rate)) < 1).all()


def test_plain_gradient_descent_is_its_formula():
    np.testing.assert_allclose(minimise("sgd", learning_rate=0.1), (1 - 0.2) ** 10, rtol=1e-5)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_against_the_cycle_is_its_formula(nesterov):
    got = minimise("nesterov" if nesterov else "momentum", learning_rate=0.05, schedule="one_cycle", warmup=0.25)
    x, v, shape = 1.0, 0.0, Schedule("one_cycle", 0.05, 10, 0.25)
    for step in range(10):
        rate, momentum = float(shape(step)), 0.9 - 0.05 * float(shape.share(step))
        v = momentum * v - rate * 2 * x
        x += momentum * v - rate * 2 * x if nesterov else v
    np.testing.assert_allclose(got, x, rtol=1e-4)


def test_rates_by_depth_scale_the_steps():
    deep, head = (keras.Variable(np.ones(1, np.float32), name=n) for n in ("deep", "head"))
    made = optimizer(settings(optimizer="sgd"), 10, {deep.path: 0.1})
    made.build([deep, head])
    made.apply([tf.ones(1), tf.ones(1)])
    assert (float(deep.numpy()[0]), float(head.numpy()[0])) == pytest.approx((0.99, 0.9))


def test_weight_decay_spares_biases_and_norms():
    kernel, bias, gamma = (keras.Variable(np.ones(1, np.float32), name=n) for n in ("kernel", "bias", "gamma"))
    made = optimizer(settings(optimizer="adamw", weight_decay=0.5), 10)
    made.build([kernel, bias, gamma])
    made.apply([tf.zeros(1)] * 3)
    assert float(kernel.numpy()[0]) == pytest.approx(0.95)
    assert (float(bias.numpy()[0]), float(gamma.numpy()[0])) == (1.0, 1.0)


def test_beta2_is_the_optimisers_and_refused_by_those_without_one():
    assert optimizer(settings(optimizer="adamw", beta2=0.95), 10).beta_2 == 0.95
    assert optimizer(settings(optimizer="adamw"), 10).beta_2 == 0.999
    with pytest.raises(UsageError, match="beta2 has no meaning for 'sgd'"):
        check(settings(optimizer="sgd", beta2=0.9))


def test_weight_decay_follows_a_variables_rate_and_fades_under_coslog4():
    def after(step, **keys):
        variables = [keras.Variable([1.0], name="kernel"), keras.Variable([1.0], name="kernel")]
        variables[1]._path = "slow/kernel"
        made = optimizer(settings(optimizer="adamw", weight_decay=0.5, **keys), 100, rates={"slow": 0.1})
        made.build(variables)
        made.iterations.assign(step)
        made.apply([tf.zeros(1)] * 2)
        return [float(v.numpy()[0]) for v in variables]

    assert after(0) == pytest.approx([0.95, 0.995])
    rate = 0.1 * float(Schedule("coslog4", 1.0, 100)(75))
    assert after(75, schedule="coslog4") == pytest.approx([1 - 0.5 * 0.5 * rate, 1 - 0.05 * 0.5 * rate], abs=1e-5)
    assert [float(Schedule("coslog4", 1.0, 100).flat_cos(step)) for step in (0, 50, 75, 100)] == pytest.approx([1, 1, 0.5, 0], abs=1e-6)


def test_schedules_at_the_points_that_define_them():
    assert float(Schedule("one_cycle", 2.0, 100)(0)) == pytest.approx(0.2)
    assert float(Schedule("one_cycle", 2.0, 100)(25)) == pytest.approx(2.0)
    assert float(Schedule("one_cycle", 2.0, 100)(100)) == pytest.approx(0.02)
    assert float(Schedule("cosine", 1.0, 100)(50)) == pytest.approx(0.5, abs=1e-6)
    assert float(Schedule("cosine_restarts", 1.0, 100)(25)) == pytest.approx(1.0, abs=1e-4)
    assert [float(Schedule("coslog4", 1.0, 15)(2**k - 1)) for k in range(5)] == pytest.approx([0.0] * 5, abs=1e-5)
    assert [float(Schedule("coslog4", 1.0, 15)(2 ** (k + 0.5) - 1)) for k in range(4)] == pytest.approx([1.0] * 4, abs=1e-5)
    assert float(Schedule("exponential", 1.0, 100)(50)) == pytest.approx(0.1, rel=1e-4)
    assert [float(Schedule("step", 1.0, 100)(s)) for s in (10, 60, 90)] == pytest.approx([1.0, 0.1, 0.01])
    assert float(Schedule("constant", 1.0, 100)(99)) == 1.0
    assert float(Schedule("cosine", 1.0, 100, warmup=0.1)(0)) == pytest.approx(0.1)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_schedule_stays_in_bounds_and_survives_saving(shape):
    made = Schedule(shape, 0.3, 50)
    values = [float(made(step)) for step in range(60)]
    assert min(values) >= 0
    assert max(values) <= 0.3 + 1e-6
    again = Schedule.from_config(made.get_config())
    assert [float(again(step)) for step in range(60)] == values


@pytest.mark.parametrize(("make", "word"), [(lambda: loss("msee"), "'mse'"), (lambda: optimizer(settings(optimizer="adm"), 1), "adam"),
                                            (lambda: Schedule("one_cylce", 1, 1), "one_cycle")])  # fmt: skip
def test_unknown_names_offer_the_nearest(make, word):
    with pytest.raises(UsageError, match=word):
        make()


def test_class_weights_are_scikit_learns():
    from sklearn.utils.class_weight import compute_sample_weight

    y = np.array([0] * 90 + [1] * 10)
    np.testing.assert_allclose(class_weights(y, ("a", "b"), "balanced"), compute_sample_weight("balanced", y), rtol=1e-6)
    weights = class_weights(y, ("a", "b"), {"b": 3.0})
    assert weights[-1] / weights[0] == pytest.approx(3.0)
    assert class_weights(y, ("a", "b"), None) is None
    with pytest.raises(UsageError, match="class 'c'"):
        class_weights(y, ("a", "b"), {"c": 1.0})
