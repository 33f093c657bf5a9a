"""L1, L2, stochastic weight averaging and snapshot cycles: against closed forms, exact on resume, refused where they do nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from applied_dl.core import config
from applied_dl.core.errors import UsageError
from applied_dl.core.records import Fitted
from applied_dl.tasks.image.models import resnet, small_cnn
from applied_dl.training.averaging import EpochMean
from applied_dl.training.ensembles import fit_members
from applied_dl.training.optimizers import check, optimizer, refuse_unused
from applied_dl.training.session import Session
from applied_dl.training.source import resident
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.workflows import recipes
from tests.training import test_trainer as plain


def settings(**keys):
    return plain.settings(**{"ema": 0.0, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "clip_norm": 0.0, **keys})


def test_penalties_add_their_gradient_to_kernels_alone():
    start = np.array([[2.0, -1.0]], np.float32)
    kernel, bias = keras.Variable(start, name="kernel"), keras.Variable(start[0], name="bias")
    made = optimizer(settings(optimizer="sgd", learning_rate=0.1, l1=0.3, l2=0.5), 10)
    made.build([kernel, bias])
    made.apply([tf.zeros_like(start), tf.zeros_like(start[0])], [kernel, bias])
    np.testing.assert_allclose(kernel.numpy(), start - 0.1 * (0.3 * np.sign(start) + 2 * 0.5 * start), rtol=1e-6)
    np.testing.assert_array_equal(bias.numpy(), start[0])


def test_penalties_are_keras_own():
    start = np.array([[2.0, -1.0, 0.5]], np.float32)
    weight = tf.Variable(start)
    with tf.GradientTape() as tape:
        value = keras.regularizers.L1L2(0.3, 0.5)(weight)
    kernel = keras.Variable(start, name="kernel")
    made = optimizer(settings(optimizer="sgd", learning_rate=1.0, l1=0.3, l2=0.5), 10)
    made.build([kernel])
    made.apply([tf.zeros_like(start)], [kernel])
    np.testing.assert_allclose(start - kernel.numpy(), tape.gradient(value, weight).numpy(), rtol=1e-6)


def test_l2_shrinks_the_weights_and_the_reported_loss_is_without_it(tmp_path):
    sizes = []
    for l2 in (None, 0.3):
        keras.utils.set_random_seed(0)
        (x, y), model = plain.data(), plain.net()
        history = CheckpointingTrainer().train(model, resident({"x": x}, y), resident({"x": x}, y), settings(l2=l2, epochs=8), loss="mse")
        sizes.append(sum(float(np.square(layer.kernel).sum()) for layer in model.layers if hasattr(layer, "kernel")))
        mse = float(np.mean((model.predict({"x": x}, verbose=0) - y) ** 2))
        assert history.best == pytest.approx(mse, rel=1e-3)
    assert sizes[1] < 0.7 * sizes[0]


def test_the_epoch_mean_is_the_mean():
    x = keras.Input((2,))
    model = keras.Model(x, keras.layers.Dense(1)(x))
    mean = EpochMean(settings(epochs=4, swa=0.75), lambda: ())
    seen = []
    for epoch in range(4):
        model.set_weights([np.full((2, 1), epoch, np.float32), np.full((1,), -epoch, np.float32)])
        mean.add(model, epoch)
        seen.append(epoch)
    put_back = mean.swap(model)
    np.testing.assert_allclose(model.get_weights()[0], 2.0)  # of 1, 2, 3
    put_back()
    np.testing.assert_allclose(model.get_weights()[0], 3.0)


def test_the_mean_weights_get_their_own_normalisation():
    x, _ = plain.data()
    model = plain.net()
    mean = EpochMean(settings(epochs=1, swa=0.5), lambda: [({"x": x[i : i + 64]},) for i in range(0, 640, 64)])
    mean.add(model, 0)
    mean.swap(model)
    norm = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    fed = np.maximum(x @ model.layers[1].kernel.numpy() + model.layers[1].bias.numpy(), 0)
    np.testing.assert_allclose(norm.moving_mean.numpy(), fed.mean(0), rtol=1e-4, atol=1e-5)


def test_averaging_resumes_to_the_same_bits(tmp_path):
    keys = {"swa": 0.6, "ema": 0.0, "schedule": "constant", "epochs": 6}
    whole, _ = plain.run(tmp_path / "a", **keys)
    write = Session.checkpoint

    class Killed(BaseException):
        pass

    def stop(self):
        write(self)
        if self.loop.done == 4:
            raise Killed

    Session.checkpoint = stop
    try:
        with pytest.raises(Killed):
            plain.run(tmp_path / "b", **keys)
    finally:
        Session.checkpoint = write
    assert plain.run(tmp_path / "b", resume=True, **keys)[0] == whole


@pytest.mark.slow
def test_snapshots_start_where_the_last_one_rested_and_become_one_graph():
    x, y = plain.data()
    source, starts = resident({"x": x}, y), []

    def fit_one(recipe, trainer, tag):
        model = plain.net()
        fresh = model.get_weights()[0]
        history = trainer.train(model, source, source, recipe.train, loss="mse", tag=tag)
        starts.append((tag, recipe.train.epochs, fresh, model.get_weights()))
        return Fitted(model, history)

    recipe = config.replace(recipes.read_recipe("image"), train={**settings_dict(), "snapshots": 3, "epochs": 9})
    fitted = fit_members(recipe, CheckpointingTrainer(), fit_one)
    assert [(tag, epochs) for tag, epochs, *_ in starts] == [("snapshot0", 3), ("snapshot1", 3), ("snapshot2", 3)]
    members = [m.model.predict({"x": x[:20]}, verbose=0) for m in fitted.extra["members"]]
    np.testing.assert_allclose(fitted.model.predict({"x": x[:20]}, verbose=0), np.mean(members, axis=0), rtol=1e-5, atol=1e-6)
    losses = [m.history.rows[0]["loss"] for m in fitted.extra["members"]]
    assert losses[1] < losses[0]  # the second cycle begins with what the first learned


def settings_dict():
    import msgspec

    return msgspec.structs.asdict(settings())


def test_weights_of_another_model_cannot_be_a_start():
    x, y = plain.data()
    with pytest.raises(UsageError, match="snapshots"):
        CheckpointingTrainer().starting_from([np.zeros(3)]).train(plain.net(), resident({"x": x}, y), None, settings(), loss="mse")


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"swa": 0.3, "ema": 0.9}, "both average"),
        ({"swa": 0.3, "schedule": "one_cycle"}, "constant"),
        ({"snapshots": 3, "ensemble": 2}, "do not go together"),
        ({"snapshots": 3, "epochs": 4}, "fewer than two"),
    ],
)
def test_what_would_do_nothing_is_refused(keys, word):
    with pytest.raises(UsageError, match=word):
        check(settings(momentum=None, **keys))


def test_keys_of_the_engine_are_refused_elsewhere():
    with pytest.raises(UsageError, match="train.l1 has no meaning for the model 'ridge'"):
        refuse_unused(settings(l1=0.1), "ridge")
    refuse_unused(settings(), "ridge")


def test_blocks_are_skipped_in_training_alone():
    model = resnet((8, 8, 1), 3, depth=1, stochastic_depth=0.9)
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype(np.float32)
    quiet = [np.asarray(model(x, training=False)) for _ in range(2)]
    loud = [np.asarray(model(x, training=True)) for _ in range(4)]
    np.testing.assert_array_equal(*quiet)
    assert any(not np.allclose(loud[0], other) for other in loud[1:])


def test_whole_channels_are_dropped():
    model = small_cnn((8, 8, 1), 3, spatial_dropout=0.5)
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.SpatialDropout2D))
    out = np.asarray(layer(np.ones((2, 4, 4, 16), np.float32), training=True))
    assert ((out == 0).all((1, 2)) | (out > 0).all((1, 2))).all()
    assert (out == 0).any()
