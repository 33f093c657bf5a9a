"""Conversions that go wrong silently, each met in practice: none may reach a bundle."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from keras import layers

from applied_dl.core import config
from applied_dl.core.records import Part, Scores
from applied_dl.exporting import convert
from applied_dl.exporting.precisions import export_files
from applied_dl.exporting.saved_model import write_saved_model
from applied_dl.exporting.serving import Serving
from applied_dl.exporting.verification import Verifier, verify
from applied_dl.models import forecast
from applied_dl.runtime.interpreter import Runtime, operators
from applied_dl.text.models.transformer import transformer
from applied_dl.workflows import recipes
from tests.exporting.converted import fp32


def verifier_of(inputs: dict, expected: dict) -> Verifier:
    """A verifier with a constant score: these files must be refused by other checks."""
    return Verifier(lambda *_, **__: Scores(main="accuracy", metrics={"accuracy": 1.0}), Part(inputs=inputs), expected)


def test_the_weights_are_kept_that_from_concrete_functions_drops(tmp_path):
    """`from_concrete_functions([f], model)` converts a Keras 3 model to a file without weights, which fails when it runs."""
    keras.utils.set_random_seed(0)
    x = keras.Input((32,), name="x")
    model = keras.Model({"x": x}, {"y": layers.Dense(16)(layers.Dense(64)(x))})
    rows = {"x": np.random.default_rng(0).normal(size=(5, 32)).astype(np.float32)}
    expected = {"y": model.predict(rows, verbose=0)["y"]}
    function = tf.function(lambda x: model({"x": x})).get_concrete_function(tf.TensorSpec((None, 32), tf.float32, name="x"))
    trap = tmp_path / "trap.tflite"
    trap.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([function], model).convert())
    whole = fp32(model, tmp_path)
    assert len(whole) > 4 * model.count_params() > trap.stat().st_size
    assert verify(trap, "fp32", verifier_of(rows, expected)).refused
    (tmp_path / "whole.tflite").write_bytes(whole)
    assert not verify(tmp_path / "whole.tflite", "fp32", verifier_of(rows, expected)).refused


class Counter(tf.Module):
    """A graph with state, as a fused LSTM has between two calls."""

    def __init__(self):
        super().__init__()
        self.state = tf.Variable(tf.zeros((1, 2)))

    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, name="x")])
    def serve(self, x):
        self.state.assign_add(tf.reduce_mean(x, 0, keepdims=True))
        return {"y": x + self.state}


def test_a_file_that_keeps_state_between_calls_is_refused(tmp_path):
    """The state of TFLite's fused LSTM outlives a call, which a single call does not show."""
    counter = Counter()
    tf.saved_model.save(counter, str(tmp_path / "m"), signatures=counter.serve)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "m"))
    converter.experimental_enable_resource_variables = True
    (tmp_path / "s.tflite").write_bytes(converter.convert())
    rows = {"x": np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32)}
    first = Runtime((tmp_path / "s.tflite").read_bytes(), threads=1).run(rows)
    assert "keeps state" in verify(tmp_path / "s.tflite", "fp32", verifier_of(rows, first)).refused


@pytest.mark.parametrize("name", ["simple_rnn", "gru", "lstm", "seq2seq"])
def test_recurrent_nets_need_neither_tensor_lists_nor_fused_state(name, tmp_path):
    """Keras' own recurrent layers do not convert with a dynamic batch (TensorListReserve); the fused LSTM keeps state."""
    spec = forecast.Spec(lookback=48, horizon=4, channels=2, season=12, cycle=0)
    model = forecast.BUILDERS[name](spec)
    given = {key: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=key) for key, tensor in model.input.items()}
    content = fp32(keras.Model(given, {"y": model(given)}), tmp_path)
    assert not {"UNIDIRECTIONAL_SEQUENCE_LSTM", "VAR_HANDLE", "FlexTensorListReserve"} & set(operators(content))
    random = np.random.default_rng(0)
    rows = {key: random.normal(size=(9, *tensor.shape[1:])).astype(np.float32) for key, tensor in model.input.items()}
    runtime = Runtime(content, threads=1)
    together, apart = runtime.run(rows)["y"], runtime.run(rows, batch=1)["y"]
    np.testing.assert_allclose(together, np.asarray(model(rows)), atol=2e-5)
    np.testing.assert_allclose(apart, together, atol=2e-5)
    np.testing.assert_array_equal(runtime.run(rows, batch=1)["y"], apart)


def test_one_hot_in_int8_is_silently_wrong_and_refused_by_the_metric(tmp_path):
    """Keras' CategoryEncoding in a full int8 file gives 0.5 where it must give 0; only a score on held-out rows shows it."""
    codes = keras.Input((1,), dtype="int32", name="codes")
    hot = layers.CategoryEncoding(5, output_mode="one_hot")(codes)
    model = keras.Model({"codes": codes}, {"probabilities": layers.Softmax()(layers.Rescaling(8.0)(hot))})
    random = np.random.default_rng(0)
    rows = [Part(inputs={"codes": (c := random.integers(0, 5, (n, 1)).astype(np.int32))}, target=c[:, 0]) for n in (200, 600)]

    def accuracy(outputs, part, metrics_only=False):
        return Scores(main="accuracy", metrics={"accuracy": float(np.mean(outputs["probabilities"].argmax(1) == part.target))})

    settings = config.replace(
        recipes.read_recipe("tabular"), export={"max_metric_drop": 0.01, "formats": ("tflite",), "variants": ("fp32", "int8")}
    ).export
    fp, int8 = export_files(Serving(model), settings, *rows, accuracy, tmp_path, "m")[0]
    assert fp.chosen
    assert fp.metric == 1.0
    assert int8.refused


def test_the_attention_mask_is_small_enough_for_int8(tmp_path):
    """−1e9 in a mask takes the whole range of int8 activations; −30 has the same effect in a softmax."""
    content = fp32(transformer(60, length=12, depth=1, width=16, heads=2), tmp_path)
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    constants = [
        np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32)
        for graph in model.subgraphs
        for tensor in graph.tensors
        if tensor.type == schema.TensorType.FLOAT32 and model.buffers[tensor.buffer].data is not None
    ]
    lowest = min(values.min() for values in constants if values.size)
    assert -100 < lowest <= -30


def test_a_converter_that_hangs_is_stopped(tmp_path, monkeypatch):
    """The training goes on without the variant; the process is replaced."""
    write_saved_model(Serving(forecast_net()), tmp_path / "m")
    np.savez(tmp_path / "rows.npz", x=np.zeros((1, 4), np.float32))
    first = convert.warm_up()
    monkeypatch.setattr(convert, "TIMEOUT", 0.0)
    failures = convert.convert(tmp_path / "m", tmp_path, ("fp32",), tmp_path / "rows.npz")
    assert "did not finish within" in failures["fp32"]
    monkeypatch.undo()
    assert convert.convert(tmp_path / "m", tmp_path, ("fp32",), tmp_path / "rows.npz") == {}
    assert convert.warm_up() is not first


def forecast_net():
    x = keras.Input((4,), name="x")
    return keras.Model({"x": x}, {"y": layers.Dense(2)(x)})


def test_batch_sizes_that_disagree_are_refused(tmp_path):
    """A graph that mixes its rows gives other outputs for one row than for many."""
    x = keras.Input((3,), name="x")
    mixed = keras.Model({"x": x}, {"y": x - keras.ops.mean(x, axis=0, keepdims=True)})
    (tmp_path / "m.tflite").write_bytes(fp32(mixed, tmp_path))
    rows = {"x": np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)}
    found = verify(tmp_path / "m.tflite", "fp32", verifier_of(rows, mixed.predict(rows, verbose=0)))
    assert "depend on the batch size" in found.refused
