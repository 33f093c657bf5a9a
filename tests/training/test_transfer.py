"""Transfer by stages: what is frozen stays to the bit, later stages that harm are undone, deep layers learn slower."""

import keras
import numpy as np
import pytest

from applied_dl.core.records import History
from applied_dl.training.source import resident
from applied_dl.training.trainer import CheckpointingTrainer
from applied_dl.training.transfer import cut, fit_staged, layer_rates, shares, unfreeze, weighted_layers
from tests.training.test_trainer import data, net, settings


def test_later_stages_that_harm_are_undone():
    """Transfer keeps the best weights of all stages, not of the last."""
    model, scores = net(), [0.5, 0.9]

    def fit_stage(own, rates, tag, trainer):
        score = scores[int(tag[-1])]
        model.set_weights([np.full_like(w, score) for w in model.get_weights()])
        return History(rows=[{"epoch": 1, "val_loss": score}], best=score, best_epoch=1)

    history = fit_staged(model, model, settings(unfreeze_epochs=(1, 1), layerwise_lr_decay=0.5), CheckpointingTrainer(), fit_stage)
    assert (history.best, history.best_epoch, len(history.rows)) == (0.5, 1, 2)
    assert all((w == 0.5).all() for w in model.get_weights())


def test_unfreezing_spares_the_norms_and_slows_the_deep():
    x = keras.Input((8,))
    h = keras.layers.BatchNormalization()(keras.layers.Dense(8)(x))
    trunk = keras.Model(x, keras.layers.Dense(8)(h))
    unfreeze(trunk, 0.0)
    assert not trunk.trainable_variables
    unfreeze(trunk, 1.0)
    assert len(trunk.trainable_variables) == 4
    rates = layer_rates(trunk, 0.5)
    first, last = weighted_layers(trunk)[0], weighted_layers(trunk)[-1]
    assert rates[first.weights[0].path] < rates[last.weights[0].path] < 1


@pytest.mark.parametrize("head", [True, False])
def test_a_trunk_thaws_stage_by_stage(head):
    """Weights are compared after each stage: what is frozen is bit-equal, and batch normalisation never moves."""
    x = keras.Input((8,))
    h = keras.layers.Dense(16, activation="relu", name="deep")(x)
    trunk = keras.Model(x, keras.layers.Dense(8, name="late")(keras.layers.BatchNormalization(name="norm")(h)), name="trunk")
    inputs = keras.Input((8,), name="x")
    model = keras.Model({"x": inputs}, keras.layers.Dense(1, name="head")(trunk(inputs)))
    features, target = data()
    source, seen = resident({"x": features}, target), [{v.path: v.numpy() for v in model.variables}]

    def stage(own, rates, tag, trainer):
        history = trainer.train(model, source, source, own, loss="mse", rates=rates, tag=tag)
        seen.append({v.path: v.numpy() for v in model.variables})
        return history

    fit_staged(model, trunk, settings(epochs=4, unfreeze_epochs=(2, 2), ema=0.0), CheckpointingTrainer(), stage, head=head)
    start, first, last = seen
    moved = lambda a, b: {path.split("/")[-2] for path in a if not np.array_equal(a[path], b[path])}  # noqa: E731
    assert moved(start, first) == ({"head"} if head else {"head", "late"})
    assert moved(first, last) == {"head", "late", "deep"}


def test_a_trunk_is_divided_before_what_is_trained():
    x = keras.Input((4,))
    first = keras.layers.Dense(4, name="first")(x)
    wide = keras.layers.Dense(4, name="wide")(first)
    added = keras.layers.Add(name="added")([first, wide])
    trunk = keras.Model(x, keras.layers.Dense(2, name="last")(keras.layers.ReLU(name="bent")(added)))
    at = {}
    for trained in ((), ("last",), ("wide", "last"), ("first",)):
        for layer in trunk.layers:
            layer.trainable = layer.name in trained
        at[trained] = cut(trunk)
    assert at[()] is trunk.output
    assert at[("last",)] is trunk.get_layer("bent").output
    assert at[("wide", "last")] is trunk.get_layer("first").output
    assert at[("first",)] is None


def test_stages_train_four_times_as_much_each():
    assert [shares(n) for n in (1, 2, 3)] == [[0.0], [0.0, 1.0], [0.0, 0.25, 1.0]]
    assert shares(2, head=False) == [0.5, 1.0]
