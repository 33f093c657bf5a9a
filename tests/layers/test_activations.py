"""Activations against their formulas, and every one of them through TFLite builtins."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from applied_dl.core.errors import UsageError
from applied_dl.exporting import convert
from applied_dl.exporting.saved_model import write_saved_model
from applied_dl.exporting.serving import Serving
from applied_dl.layers.activations import NAMES, activation
from applied_dl.layers.blocks import NORMS, dense, normalization
from applied_dl.runtime.interpreter import Runtime, operators

Z = np.linspace(-4, 4, 33)
FORMULAS = {
    "linear": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z)),
    "gelu": lambda z: 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
    "swish": lambda z: z / (1 + np.exp(-z)),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "bru": lambda z: np.where(z >= 0, np.sqrt(4 * np.maximum(z, 0) + 1) - 0.5, np.exp(2 * np.minimum(z, 0)) - 0.5),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_value_and_slope(name):
    x = tf.Variable(Z[None].astype(np.float32))
    with tf.GradientTape() as tape:
        y = activation(name)(x)
    slope = tape.gradient(y, x).numpy()[0]
    np.testing.assert_allclose(y.numpy()[0], FORMULAS[name](Z), atol=2e-5)
    smooth = np.abs(Z) > 1e-3
    numeric = (FORMULAS[name](Z + 1e-5) - FORMULAS[name](Z - 1e-5)) / 2e-5
    np.testing.assert_allclose(slope[smooth], numeric[smooth], atol=1e-3)


def test_softmax_and_maxout():
    z = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    np.testing.assert_allclose(activation("softmax")(z).numpy().sum(-1), 1, atol=1e-6)
    np.testing.assert_array_equal(activation("maxout")(z).numpy(), np.maximum(z[:, :3], z[:, 3:]))


def test_the_whole_vocabulary_in_one_tflite_file_of_builtins(tmp_path):
    """One graph with every activation and norm: saved, reloaded, converted, run without TensorFlow."""
    keras.utils.set_random_seed(0)
    x = keras.Input((8,), name="x")
    outputs = {name: activation(name, name)(keras.layers.Dense(8)(x)) for name in NAMES}
    outputs |= {f"norm_{name}": normalization(name, channels=8)(x) for name in NORMS if name != "none"}
    outputs["dense"] = dense(x, 5, "maxout", norm="batch", dropout=0.1)
    model = keras.Model({"x": x}, outputs)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    rows = np.random.default_rng(1).normal(size=(5, 8)).astype(np.float32)
    expected = {k: np.asarray(v) for k, v in again({"x": rows}).items()}
    write_saved_model(Serving(again), tmp_path / "saved")
    assert convert.convert(tmp_path / "saved", tmp_path, ("fp32",), tmp_path / "none.npz") == {}
    content = (tmp_path / "fp32.tflite").read_bytes()
    assert not [op for op in operators(content) if op.startswith("Flex")]
    got = Runtime(content).run({"x": rows})
    for name, want in expected.items():
        np.testing.assert_allclose(got[name], want, atol=2e-5, err_msg=name)


def test_unknown_names_offer_the_nearest():
    with pytest.raises(UsageError, match="relu"):
        activation("rleu")
    with pytest.raises(UsageError, match="batch"):
        normalization("bacth")
