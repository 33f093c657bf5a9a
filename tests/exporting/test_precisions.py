"""Files of every precision of small nets: written, verified, refused and chosen."""

import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from applied_dl.core import config
from applied_dl.core.bundle import ExportedFile
from applied_dl.core.errors import UsageError
from applied_dl.core.records import Part, Scores
from applied_dl.core.sections import Export
from applied_dl.exporting import convert, isolated, precisions
from applied_dl.exporting.precisions import export_files, held_out_outputs
from applied_dl.exporting.saved_model import write_saved_model
from applied_dl.exporting.serving import Serving
from applied_dl.exporting.verification import Verifier, _vector_mismatch, verify
from applied_dl.runtime.interpreter import Runtime, operators
from applied_dl.workflows import recipes

ACCURACY = Scores(main="accuracy", metrics={"accuracy": 1.0})


def small_serving(labels=("a", "b", "c")) -> Serving:
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 3), name="image", dtype="uint8")
    h = layers.Rescaling(1 / 127.5, -1.0)(x)
    h = layers.Conv2D(8, 3, activation="relu")(h)
    h = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(h))
    return Serving(keras.Model({"image": x}, {"probabilities": h}), labels=labels, normalisation=((0.0,), (1.0,)))


def images(rows: int, seed: int = 0) -> Part:
    random = np.random.default_rng(seed)
    return Part(inputs={"image": random.integers(0, 256, (rows, 8, 8, 3), dtype=np.uint8)}, target=random.integers(0, 3, rows))


def accuracy(outputs, part, metrics_only=False):
    return Scores(main="accuracy", metrics={"accuracy": float(np.mean(outputs["probabilities"].argmax(1) == part.target))})


def settings(**keys):
    return config.replace(recipes.read_recipe("image"), export={"max_metric_drop": 0.5, **keys}).export


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("precisions")
    found, outputs = export_files(small_serving(), settings(), images(64), images(600, 1), accuracy, folder, "small")
    return folder, {(item.format, item.variant): item for item in found}, outputs


def test_every_variant_is_written_and_verified(exported):
    _, found, _ = exported
    small = [v for v in convert.VARIANTS if v != "int8_weights"]  # this net has no large weights
    assert set(found) == {("saved_model", "fp32"), *(("tflite", v) for v in small)}
    for item in found.values():
        assert not item.refused
        assert item.metric is not None
    assert found["tflite", "fp32"].max_rel_diff <= 1e-4
    assert found["saved_model", "fp32"].max_abs_diff <= 1e-6
    assert all(op.isupper() for op in found["tflite", "int8"].ops)


def test_every_record_has_costs_and_an_interval_of_its_drop(exported):
    _, found, _ = exported
    for (kind, _), item in found.items():
        low, high = item.metric_drop_interval
        assert low <= item.metric_drop <= high
        assert item.median_abs_diff <= item.max_abs_diff
        if kind == "tflite":
            assert 0 < item.latency_ms <= item.latency_p95_ms
            assert 0 < item.threaded_ms <= item.threaded_p95_ms
            assert item.cold_start_ms > 0
            assert item.memory_mb >= 0
    assert found["tflite", "fp32"].metric_drop_interval == (0.0, 0.0)


def test_the_smallest_allowed_file_is_chosen(exported):
    folder, found, _ = exported
    tflite = [item for (kind, _), item in found.items() if kind == "tflite"]
    chosen = [item for item in tflite if item.chosen]
    assert len(chosen) == 1
    assert chosen[0].bytes <= precisions.SIMILAR_SIZE * min(item.bytes for item in tflite)
    assert (folder / "model.tflite").read_bytes() == (folder / chosen[0].file).read_bytes()


def test_a_clearly_faster_file_of_similar_size_is_chosen(tmp_path):
    def chosen(budget=None, **files):
        items, settings = [], Export(max_metric_drop=0.01, budget=budget)
        for name, (size, latency) in files.items():
            (tmp_path / name).write_bytes(name.encode())
            items.append(ExportedFile(file=name, format="tflite", variant=name, bytes=size, metric_drop=0.0, latency_ms=latency))
        (best,) = (item.file for item in precisions._choose(items, ACCURACY, settings, tmp_path) if item.chosen)
        assert (tmp_path / "model.tflite").read_bytes() == best.encode()
        return best

    assert chosen(fp32=(89_000, 14.0), dynamic=(22_909, 2.45), int8=(22_771, 8.02)) == "dynamic"
    assert chosen(dynamic=(22_909, 7.5), int8=(22_771, 8.02)) == "int8"
    assert chosen(dynamic=(25_909, 2.45), int8=(22_771, 8.02)) == "int8"
    assert chosen(dynamic=(22_909, None), int8=(22_771, None)) == "int8"
    assert chosen("50 kB, 1 ms", fp32=(45_000, 0.4), dynamic=(22_771, 8.02)) == "fp32"


def test_files_above_the_budget_are_refused_with_what_they_cost(tmp_path):
    costs = {"fp32": (60_000, 0.1), "fp16": (30_000, 2.0), "dynamic": (15_000, 0.5)}
    items = [
        ExportedFile(file=name, format="tflite", variant=name, bytes=size, metric_drop=0.0, latency_ms=ms)
        for name, (size, ms) in costs.items()
    ]
    (tmp_path / "dynamic").write_bytes(b"")
    found = {item.variant: item for item in precisions._choose(items, ACCURACY, Export(budget="50 kB, 1 ms"), tmp_path)}
    assert found["fp32"].refused == "it costs 60 kB, 0.1 ms, the budget is 50 kB, 1 ms"
    assert found["fp16"].refused == "it costs 30 kB, 2 ms, the budget is 50 kB, 1 ms"
    assert found["dynamic"].chosen


def test_vectors_of_another_direction_or_length_are_refused():
    wanted = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    unit = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
    assert _vector_mismatch(unit, unit) == _vector_mismatch(3 * wanted, wanted) == ""
    assert _vector_mismatch(unit * 1.005, unit) == ""
    assert "lengths from 1.020 to 1.020 where those of Keras have length 1" in _vector_mismatch(unit * 1.02, unit)
    assert "mean cosine to those of Keras is -1.000, expected at least 0.995" in _vector_mismatch(-wanted, wanted)
    assert _vector_mismatch(np.zeros_like(unit), unit) != ""
    assert _vector_mismatch(np.zeros((2, 3)), np.zeros((2, 3))) == ""


def test_the_file_gives_the_outputs_of_keras(exported):
    folder, _, outputs = exported
    got = Runtime((folder / "model.fp32.tflite").read_bytes()).run(images(600, 1).inputs)
    np.testing.assert_allclose(got["probabilities"], outputs["probabilities"], atol=1e-5)


def test_a_lossy_file_is_refused_by_the_metric(tmp_path):
    """A score that quantisation surely changes: such files must be refused, and another one chosen."""
    serving, rows = small_serving(), images(40)
    rows.extra["truth"] = serving.model.predict(rows.inputs, verbose=0)["probabilities"]

    def exactness(outputs, part, metrics_only=False):
        gap = np.abs(outputs["probabilities"] - part.extra["truth"]).max()
        return Scores(main="accuracy", metrics={"accuracy": 1.0 if gap < 1e-5 else 0.0})

    found, _ = export_files(
        serving, settings(max_metric_drop=0.01, formats=("tflite",), variants=("fp32", "int8")), rows, rows, exactness, tmp_path, "m"
    )
    fp32, int8 = found
    assert fp32.chosen
    assert int8.refused == "its accuracy is 1.0000 below that of Keras, allowed is 0.0100"


def test_no_file_is_chosen_where_every_file_is_refused(tmp_path):
    calls = []

    def only_keras_is_right(outputs, part, metrics_only=False):
        if len(part) == 8:
            calls.append(outputs)
        return Scores(main="accuracy", metrics={"accuracy": float(outputs is calls[0])})

    found, _ = export_files(
        small_serving(),
        settings(max_metric_drop=0.1, formats=("tflite",), variants=("fp32",)),
        images(8),
        images(8),
        only_keras_is_right,
        tmp_path,
        "m",
    )
    assert [item.chosen for item in found] == [False]
    assert not (tmp_path / "model.tflite").exists()


def test_labels_are_packed_into_the_file(exported):
    folder, _, _ = exported
    with zipfile.ZipFile(folder / "model.fp32.tflite") as packed:
        assert packed.read("labels.txt").decode().split() == ["a", "b", "c"]


def test_a_killed_converter_is_reported_and_replaced(tmp_path):
    """Killed in the middle of its work: the variant at work is reported, the others get a new process."""
    write_saved_model(small_serving(), tmp_path / "m")
    np.savez(tmp_path / "rows.npz", **images(4).inputs)
    first = convert.warm_up()
    killer = threading.Timer(0.05, first.kill)
    killer.start()
    failures = convert.convert(tmp_path / "m", tmp_path, ("int8", "fp32"), tmp_path / "rows.npz")
    assert "code -9" in failures["int8"]
    assert (tmp_path / "fp32.tflite").exists()
    assert convert.warm_up() is not first


def test_the_converter_finds_paths_of_a_folder_that_it_was_not_started_in(tmp_path, monkeypatch):
    convert.warm_up()
    monkeypatch.chdir(tmp_path)
    write_saved_model(small_serving(), Path("m"))
    np.savez("rows.npz", **images(4).inputs)
    assert convert.convert(Path("m"), Path("."), ("fp32",), Path("rows.npz")) == {}
    assert Path("fp32.tflite").exists()


def test_a_missing_saved_model_gives_a_reason(tmp_path):
    failures = convert.convert(tmp_path / "none", tmp_path, ("fp32",), tmp_path / "none.npz")
    assert "none" in failures["fp32"]


def test_a_flex_operator_is_refused(tmp_path):
    """A file that needs TensorFlow's own kernels must never be chosen, even if it converts."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="x")])
    def bucket(x):
        return {"y": tf.strings.to_hash_bucket_fast(x, 7)}

    tf.saved_model.save(tf.Module(), str(tmp_path / "m"), signatures=bucket)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "m"))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    (tmp_path / "flex.tflite").write_bytes(converter.convert())
    part = Part(inputs={"x": np.array([b"a", b"b", b"c"])})
    verifier = Verifier(lambda *_, **__: Scores(main="accuracy", metrics={"accuracy": 1.0}), part, {"y": np.ones(3)})
    item = verify(tmp_path / "flex.tflite", "fp32", verifier)
    assert "FlexStringToHashBucketFast" in item.refused


def test_operators_are_read_from_the_file(exported):
    folder, _, _ = exported
    assert {"CONV_2D", "SOFTMAX", "FULLY_CONNECTED"} <= set(operators((folder / "model.fp32.tflite").read_bytes()))


def test_unknown_variants_are_named_before_training(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'int8'"):
        export_files(small_serving(), settings(variants=("int88",)), images(4), images(4), accuracy, tmp_path, "m")


def test_a_file_that_aborts_its_runtime_is_refused(tmp_path, monkeypatch):
    """The training process must survive any file: a file that aborts a child process is never opened here."""
    np.savez(tmp_path / "rows.npz", x=np.zeros((3, 2), np.float32))
    (tmp_path / "a.tflite").write_bytes(b"no model")
    assert isolated.run_isolated({"fp32": tmp_path / "a.tflite"}, tmp_path / "rows.npz") == ({}, {})  # exceptions are reported by `verify`
    monkeypatch.setattr(isolated.sys, "executable", str(tmp_path / "aborts"))
    (tmp_path / "aborts").write_text("#!/bin/sh\nkill -ABRT $$\n")
    (tmp_path / "aborts").chmod(0o755)
    refused, _ = isolated.run_isolated({"int8": tmp_path / "a.tflite"}, tmp_path / "rows.npz")
    assert refused == {"int8": "LiteRT itself aborts when it runs this file (signal 6), and so would an app that opens it"}
    (tmp_path / "aborts").write_text("#!/bin/sh\nkill -KILL $$\n")  # as the system does where memory is short
    refused, _ = isolated.run_isolated({"int8": tmp_path / "a.tflite"}, tmp_path / "rows.npz")
    assert refused == {"int8": "the process that tried this file ended early (signal 9); free memory and export it again"}


def test_a_drop_of_just_what_is_allowed_passes():
    item = ExportedFile(file="m", format="tflite", variant="int8", bytes=1, metric_drop=0.895 - 0.89)
    assert item.metric_drop > 0.005
    assert not precisions._refuse_drop(item, ACCURACY, 0.005).refused
    assert precisions._refuse_drop(item, ACCURACY, 0.004).refused


def constant(value: float) -> keras.Model:
    x = keras.Input((1,), name="x")
    return keras.Model({"x": x}, {"y": keras.layers.Lambda(lambda x: 0 * x + value)(x)})


@pytest.mark.parametrize(
    ("given", "part", "value"),
    [
        ({}, "validation", 1.0),
        ({"scored": 2.0}, "validation", 2.0),
        ({"scored": 2.0, "validation": 3.0}, "validation", 3.0),
        ({"scored": 2.0, "validation": 3.0}, "test", 2.0),
        ({"scored": 2.0, "unseen": ("test",)}, "test", 1.0),
        ({"scored": 2.0, "unseen": ("test",)}, "validation", 2.0),
    ],
)
def test_rows_are_answered_by_a_model_that_was_not_fitted_to_them(given, part, value):
    rows = Part(inputs={"x": np.zeros((4, 1), np.float32)})
    serving = Serving(
        constant(1.0),
        scored=constant(given["scored"]) if "scored" in given else None,
        validation={"y": np.full((4, 1), given["validation"])} if "validation" in given else None,
        unseen=given.get("unseen", ()),
    )
    found = held_out_outputs(serving, SimpleNamespace(validation=rows, test=rows), part)
    np.testing.assert_array_equal(found["y"], np.full((4, 1), value))
