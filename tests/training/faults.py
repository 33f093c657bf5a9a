"""Sick trainings with one planted fault each, and the name the doctor must give it first. Shared by the tests and the benchmark.

A maker returns the findings; the healthy ones must have none.
"""

import keras
import numpy as np
from keras import layers, ops

from applied_dl.core import config
from applied_dl.core.records import Part, Prepared
from applied_dl.training.diagnostics import Case, check_data, examine
from applied_dl.training.losses import loss
from applied_dl.training.reproducible import set_up
from applied_dl.training.source import resident
from applied_dl.workflows import recipes

ROWS, FEATURES, CLASSES = 1200, 8, 3


def settings(**keys):
    chosen = {"epochs": 12, "batch_size": 32, "optimizer": "adam", "learning_rate": 3e-3, "schedule": "one_cycle", "weight_decay": 0.0,
              "ema": 0.0, "patience": 0, "clip_norm": 1.0, "seed": 0, "label_smoothing": 0.0, **keys}  # fmt: skip
    return config.replace(recipes.read_recipe("image"), train=chosen).train


def numbers(rows=ROWS, noise=0.1):
    """Inputs (N, 8) and a smooth target (N, 1), standardised."""
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, FEATURES)).astype(np.float32)
    y = np.tanh(x @ random.normal(size=(FEATURES, 1))) + 0.5 * x[:, :1] * x[:, 1:2] + noise * random.normal(size=(rows, 1))
    return x, ((y - y.mean()) / y.std()).astype(np.float32)


def classes(rows=ROWS):
    """Three classes cut from the smooth target, one-hot (N, 3)."""
    x, y = numbers(rows)
    return x, np.eye(CLASSES, dtype=np.float32)[np.digitize(y[:, 0], [-0.5, 0.5])]


def net(outputs=1, hidden=(32, 32), act="relu", norm=None, head=None, middle=None, start="glorot_uniform", bias="zeros", dropout=0.0):
    """Dense layers; `middle` is put between the first and the second, `start` and `bias` are the initialisers of the hidden ones."""
    inputs = x = keras.Input((FEATURES,), name="x")
    for i, units in enumerate(hidden):
        x = layers.Dense(units, kernel_initializer=start, bias_initializer=bias)(x)
        x = norm()(x) if norm else x
        x = layers.Activation(act)(x)
        x = layers.Dropout(dropout)(x) if dropout else x
        x = middle(x) if middle is not None and i == 0 else x
    head = head or {}
    return keras.Model({"x": inputs}, layers.Dense(outputs, **head)(x))


def look(model, x, y, name="mse", budget=60.0, held=200, **keys):
    """The names of the findings on a model, its last `held` rows for validation."""
    source, validation = resident({"x": x[:-held]}, y[:-held]), resident({"x": x[-held:]}, y[-held:])
    found, _ = examine(Case(model, source, validation, settings(**keys), loss(name)), budget)
    return found


def regress(build=net, change=lambda x, y: (x, y), noise=0.1, **keys):
    set_up(0, True)
    x, y = numbers(noise=noise)
    x, y = change(x, y)
    return look(build(), x.astype(np.float32), y.astype(np.float32), **keys)


def classify(build=lambda: net(CLASSES), change=lambda x, y: (x, y), **keys):
    set_up(0, True)
    x, y = change(*classes())
    return look(build(), x.astype(np.float32), y, "crossentropy", **keys)


def rows(x, target, **more):
    """The findings on the rows alone."""
    x, cut = np.asarray(x, np.float32), [int(0.7 * len(x)), int(0.85 * len(x))]
    parts = [Part(inputs={"x": a}, target=t) for a, t in zip(np.split(x, cut), np.split(np.asarray(target), cut))]
    parts = dict(zip(("train", "validation", "test"), parts), **more)
    return check_data(Prepared(encoder=None, fingerprint="", **parts))


def _with(x, column, values):
    x = x.copy()
    x[:, column] = values
    return x


def _first_only(x, y, value):
    x = x.copy()
    x[::97, 0] = value
    return x, y


def _slips(x, y):
    return x, np.where(np.arange(len(y))[:, None] % 400 == 7, 40.0, y)


def _few(x, y):
    """Sixty rows for training, a fifth of all labels wrong."""
    wrong = np.random.default_rng(3).random(len(y)) < 0.2
    return x[:260], np.where(wrong[:, None], np.roll(y, 1, axis=1), y)[:260]


def _frozen():
    model = net()
    for layer in model.layers[:-1]:
        layer.trainable = False
    return model


def _small_then_normed():
    inputs = x = keras.Input((FEATURES,), name="x")
    for i in range(4):
        x = layers.Dense(32, kernel_initializer=keras.initializers.RandomNormal(stddev=1e-5 if i == 0 else 0.2))(x)
        x = layers.Activation("relu")(layers.LayerNormalization(epsilon=1e-14)(x))
    return keras.Model({"x": inputs}, layers.Dense(1)(x))


@keras.saving.register_keras_serializable(package="faults")
class Stop(layers.Layer):
    def call(self, x):
        return ops.stop_gradient(x)


def _images(share):
    """The digits, a share of whose labels are drawn anew."""
    from sklearn.datasets import load_digits

    set_up(0, True)
    x, y = load_digits(return_X_y=True)
    random = np.random.default_rng(1)
    swap = random.random(len(y)) < share
    y = np.where(swap, random.integers(0, 10, len(y)), y)
    inputs = keras.Input((64,), name="x")
    hidden = layers.Dropout(0.2)(layers.Dense(96, activation="relu")(inputs))
    model = keras.Model({"x": inputs}, layers.Dense(10)(hidden))
    return look(model, (x.astype(np.float32) - 5) / 6, np.eye(10, dtype=np.float32)[y], "crossentropy", held=300, epochs=15)


def _future(leak):
    random = np.random.default_rng(0)
    y = random.normal(size=(300, 12, 1)).astype(np.float32)
    future = random.normal(size=(300, 24 + 12, 2)).astype(np.float32)
    if leak:
        future[:, 24:, 1] = 3 * y[..., 0] + 1
    part = Part(inputs={"history": random.normal(size=(300, 24, 1)).astype(np.float32), "future": future}, target=y)
    held = {"validation": part.take(slice(0, 40)), "test": part.take([])}
    return check_data(Prepared(encoder=None, fingerprint="", train=part, **held))


def _codes(x):
    return (x[:, 0] + x[:, 1] > 0).astype(np.int64)


def _shared():
    x = numbers()[0]
    test = Part(inputs={"x": x[:100]}, target=_codes(x[:100]))
    return rows(x, _codes(x), test=test)


def _conflicting():
    x = np.repeat(numbers()[0], 2, axis=0)
    y = _codes(x)
    y[::10] = 1 - y[::10]
    return rows(x, y)


HEALTHY = {
    "regression": regress,
    "classes": classify,
    "batch norm": lambda: classify(lambda: net(CLASSES, norm=layers.BatchNormalization)),
    "tanh": lambda: regress(lambda: net(act="tanh")),
    "dropout and smoothing": lambda: classify(lambda: net(CLASSES, dropout=0.2)),
    "sgd": lambda: classify(optimizer="nesterov", learning_rate=0.1),
    "digits": lambda: _images(0.0),
    "rows": lambda: rows(numbers()[0], _codes(numbers()[0])),
    "covariates": lambda: _future(False),
}
BIG = keras.initializers.RandomNormal(stddev=30.0, seed=0)
FAULTS = {
    "pixels never scaled": ("input_not_standardized", lambda: classify(change=lambda x, y: (127 + 60 * x, y))),
    "one feature in other units": ("input_not_standardized", lambda: regress(change=lambda x, y: (_with(x, 3, 1e5 * x[:, 3]) / 1e5, y))),
    "inputs a million times too small": ("input_not_standardized", lambda: regress(change=lambda x, y: (1e-6 * x, y))),
    "a NaN in the input": ("input_not_finite", lambda: regress(change=lambda x, y: _first_only(x, y, np.nan))),
    "target in euros": ("target_not_standardized", lambda: regress(change=lambda x, y: (x, 5000 * y))),
    "target far from zero": ("target_not_standardized", lambda: regress(change=lambda x, y: (x, 300 + y))),
    "target of tiny size": ("target_not_standardized", lambda: regress(change=lambda x, y: (x, 1e-4 * y))),
    "head starts far too large": ("loss_at_start", lambda: classify(lambda: net(CLASSES, head={"kernel_initializer": BIG}))),
    "softmax before a loss of logits": ("squashed_twice", lambda: classify(lambda: net(CLASSES, head={"activation": "softmax"}))),
    "relu units born dead": ("dead_relu", lambda: classify(lambda: net(CLASSES, bias=keras.initializers.Constant(-4.0)))),
    "sigmoid at its ends": ("saturated", lambda: regress(lambda: net(act="sigmoid", start=BIG))),
    "tanh at its ends": ("saturated", lambda: regress(lambda: net(act="tanh", start=BIG))),
    "twelve sigmoid layers": ("vanishing_gradient", lambda: regress(lambda: net(act="sigmoid", hidden=(32,) * 12))),
    "tiny weights before a norm": ("exploding_gradient", lambda: regress(_small_then_normed)),
    "a stopped gradient": ("no_gradient", lambda: regress(lambda: net(middle=Stop()))),
    "identical units at the start": ("identical_units", lambda: regress(lambda: net(start=keras.initializers.Constant(0.1)))),
    "frozen layers": ("frozen", lambda: regress(_frozen)),
    "a layer with constant output": ("constant_layer", lambda: regress(lambda: net(middle=layers.Rescaling(0.0)))),
    "an output that cannot be negative": ("cannot_overfit", lambda: regress(lambda: net(head={"activation": "sigmoid"}),
                                                                            change=lambda x, y: (x, y - 0.5))),
    "rate a hundred times too high": ("rate_too_high", lambda: classify(learning_rate=3.0)),
    "diverging rate": ("rate_too_high", lambda: regress(optimizer="sgd", learning_rate=20.0, clip_norm=0.0)),
    "rate ten thousand times too low": ("rate_too_low", lambda: classify(learning_rate=3e-7)),
    "ten steps in total": ("too_few_steps", lambda: classify(batch_size="all", epochs=10)),
    "batch norm of two rows": ("batch_norm_of_few", lambda: classify(lambda: net(CLASSES, norm=layers.BatchNormalization), batch_size=2,
                                                                      epochs=1)),
    "sixty rows memorised": ("overfitting", lambda: classify(lambda: net(CLASSES, hidden=(128, 128)), change=_few, epochs=300)),
    "a target of pure noise": ("nothing_general", lambda: regress(change=lambda x, y: (x, np.random.default_rng(5).normal(size=y.shape)))),
    "a decay that shrinks the weights to zero": ("underfitting", lambda: regress(weight_decay=100.0, optimizer="adamw")),
    "a quarter of the labels wrong": ("suspicious_labels", lambda: _images(0.25)),
    "two typing errors in the target": ("outlying_targets", lambda: regress(change=_slips)),
    "equal rows with different labels": ("conflicting_labels", _conflicting),
    "one row in fifty": ("imbalance", lambda: rows(numbers()[0], (np.arange(ROWS) % 50 == 0).astype(np.int64))),
    "a column made from the label": ("leakage", lambda: rows(_with(numbers()[0], 2, 7 - 3 * _codes(numbers()[0])), _codes(numbers()[0]))),
    "a column made from the number": ("leakage", lambda: rows(_with(numbers()[0], 5, np.exp(numbers()[1][:, 0])), numbers()[1][:, 0])),
    "the future among the covariates": ("leakage", lambda: _future(True)),
    "test rows that were trained on": ("shared_rows", _shared),
    "ten rows to choose the epoch": ("small_validation", lambda: rows(numbers()[0][:100], _codes(numbers()[0][:100]),
                                     validation=Part(inputs={"x": numbers()[0][100:110]}, target=_codes(numbers()[0][100:110])))),
}  # fmt: skip
