"""The learning-rate finder on problems whose best rate is known."""

import keras
import numpy as np
import pytest

from applied_dl.core import config
from applied_dl.core.errors import DataError
from applied_dl.training.lr_finder import find, suggest
from applied_dl.training.source import resident
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes


def linear(scale: float):
    """Least squares on inputs of variance scale²: plain gradient descent diverges above about 1 / scale²."""
    random = np.random.default_rng(0)
    x = (scale * random.normal(size=(512, 4))).astype(np.float32)
    y = (x @ random.normal(size=(4, 1))).astype(np.float32)
    inputs = keras.Input((4,), name="x")
    keras.utils.set_random_seed(0)
    return keras.Model({"x": inputs}, keras.layers.Dense(1)(inputs)), resident({"x": x}, y), x, y


def settings(**keys):
    chosen = {"epochs": 3, "batch_size": 64, "optimizer": "sgd", "learning_rate": "auto", "schedule": "constant", "warmup": 0.0,
              "weight_decay": 0.0, "ema": 0.0, "clip_norm": 0.0, "patience": 0, **keys}  # fmt: skip
    return config.replace(recipes.read_recipe("image"), train=chosen).train


@pytest.mark.parametrize("scale", [0.3, *(pytest.param(scale, marks=pytest.mark.slow) for scale in (1.0, 5.0))])
def test_it_follows_the_curvature_of_the_problem(scale):
    model, source, _, _ = linear(scale)
    before = model.get_weights()
    found = find(model, source, settings(), loss="mse")
    assert 0.02 / scale**2 < found.chosen < 0.9 / scale**2
    assert found.steepest < 1.0 / scale**2
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_batches_of_unequal_difficulty_do_not_hide_the_fall():
    """Half of the target is noise, and the batches are of four rows: their losses differ tenfold, the sweep still reads a smooth fall."""
    random = np.random.default_rng(1)
    x = random.normal(size=(400, 6)).astype(np.float32)
    y = (x @ random.normal(size=(6, 1)) + 2.5 * random.standard_t(3, size=(400, 1))).astype(np.float32)
    inputs = keras.Input((6,), name="x")
    keras.utils.set_random_seed(0)
    model = keras.Model({"x": inputs}, keras.layers.Dense(1)(inputs))
    found = find(model, resident({"x": x}, y), settings(batch_size=4), loss="mse")
    untouched = found.losses[:20]  # rates far too small to change anything
    assert np.ptp(untouched) < 0.02 * untouched.mean()
    assert 1e-4 < found.chosen < 0.3


@pytest.mark.slow
def test_auto_trains_with_what_it_found():
    model, source, _, _ = linear(5.0)
    history = CheckpointingTrainer().train(model, source, source, settings(epochs=15), loss="mse")
    assert history.best < 1e-2
    assert history.rows[0]["learning_rate"] < 0.04


def test_a_loss_that_never_falls_is_reported():
    rates = np.geomspace(1e-6, 1, 50)
    with pytest.raises(DataError, match="falls at no learning rate"):
        suggest(rates, np.linspace(1, 9, 50))


def test_units_stay_under_the_norm_they_are_given():
    model, source, _, _ = linear(1.0)
    CheckpointingTrainer().train(model, source, None, settings(learning_rate=0.1, max_norm=0.5), loss="mse")
    assert np.linalg.norm(model.layers[-1].get_weights()[0], axis=0).max() <= 0.5 + 1e-5
