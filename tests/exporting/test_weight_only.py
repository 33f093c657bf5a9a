"""int8 weights with float arithmetic: compared with rounding by hand, for every kind of weight, and the file size."""

import keras
import numpy as np
import pytest
from keras import layers

from applied_dl.exporting.weight_only import quantise_weights
from applied_dl.runtime.interpreter import Runtime, operators
from tests.exporting.converted import fp32


def test_a_dense_layer_is_rounded_per_channel(tmp_path):
    keras.utils.set_random_seed(0)
    x = keras.Input((64,), name="x")
    dense = layers.Dense(48)
    model = keras.Model({"x": x}, {"y": dense(x)})
    content = fp32(model, tmp_path)
    small = quantise_weights(content)
    kernel, bias = (np.array(v) for v in dense.get_weights())
    scale = np.abs(kernel).max(0) / 127
    rounded = np.rint(kernel / scale) * scale
    given = np.random.default_rng(1).normal(size=(9, 64)).astype(np.float32)
    np.testing.assert_allclose(Runtime(small).run({"x": given})["y"], given @ rounded + bias, atol=1e-5)
    assert len(small) < 0.5 * len(content)


def kinds():
    image, ids = keras.Input((16, 16, 8), name="x"), keras.Input((None,), name="x", dtype="int32")
    yield "convolution", keras.Model({"x": image}, {"y": layers.Conv2D(32, 3)(image)})
    yield "depthwise", keras.Model({"x": image}, {"y": layers.DepthwiseConv2D(5, depth_multiplier=8)(image)})
    yield "narrow table", keras.Model({"x": ids}, {"y": layers.Embedding(500, 4)(ids)})
    yield "wide table", keras.Model({"x": ids}, {"y": layers.Embedding(50, 64)(ids)})


@pytest.mark.parametrize("place", range(4))
def test_every_kind_of_weight_stays_within_one_percent(place, tmp_path):
    keras.utils.set_random_seed(0)
    name, model = list(kinds())[place]
    content = fp32(model, tmp_path)
    small = quantise_weights(content)
    random = np.random.default_rng(0)
    rows = random.integers(0, 50, (3, 5)).astype(np.int32) if "table" in name else random.normal(size=(3, 16, 16, 8)).astype(np.float32)
    want, got = Runtime(content).run({"x": rows})["y"], Runtime(small).run({"x": rows})["y"]
    assert 0 < np.abs(got - want).max() <= 0.01 * np.abs(want).max()
    assert len(small) < 0.6 * len(content)
    assert "DEQUANTIZE" in operators(small)


def test_zeros_stay_zero_and_small_weights_stay_float(tmp_path):
    x = keras.Input((64,), name="x")
    model = keras.Model({"x": x}, {"y": layers.Dense(32, kernel_initializer="zeros")(x)})
    small = quantise_weights(fp32(model, tmp_path))
    assert np.array_equal(Runtime(small).run({"x": np.ones((2, 64), np.float32)})["y"], np.zeros((2, 32)))
    tiny = keras.Model({"x": x}, {"y": layers.Dense(2)(x)})
    (tmp_path / "tiny").mkdir()
    assert quantise_weights(fp32(tiny, tmp_path / "tiny")) is None
