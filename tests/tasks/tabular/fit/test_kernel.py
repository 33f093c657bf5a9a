"""Kernel ridge regression beside scikit-learn's, its layer beside NumPy, and when a file may hold training rows."""

import keras
import numpy as np
import polars as pl
import pytest
from sklearn.kernel_ridge import KernelRidge

import applied_dl
from applied_dl.core.errors import UsageError
from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.fit.closed import MEMBERS, Rows, Task
from applied_dl.tasks.tabular.fit.kernel import RIDGE, kernel_paths, predict_paths
from applied_dl.tasks.tabular.models.flat import Flat, flat_vector
from applied_dl.tasks.tabular.models.kernel import apart
from applied_dl.tasks.tabular.models.numeric import fit_numbers
from applied_dl.training.trainer import CheckpointingTrainer
from tests.tasks.tabular.tables import prepared_with


def features(rows: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.concatenate([random.normal(size=(rows, 3)), random.integers(0, 2, (rows, 2))], axis=1).astype(np.float32)


def smooth(x: np.ndarray) -> np.ndarray:
    return np.abs(x[:, :1]) + x[:, 1:2] * x[:, 3:4]


@pytest.mark.parametrize("kind", ["euclidean", "city"])
def test_distances_are_those_of_all_columns(kind):
    a, b = features(20) * [1, 2, 3, 0.5, 4], features(30, 1) * [1, 2, 3, 0.5, 4]
    difference = a[:, None] - b[None]
    wanted = np.sqrt((difference**2).sum(-1) + 1e-5) if kind == "euclidean" else np.abs(difference).sum(-1)
    np.testing.assert_allclose(apart(kind, a, b, 2), wanted, atol=1e-5)


def test_a_regression_is_scikit_learns_on_the_same_kernel():
    x, held = features(120), features(40, 1)
    y = smooth(x)
    for place, one in enumerate(kernel_paths(x, y, 2)):
        inner, outer = (np.exp(-apart(one.kind, rows * one.scale, one.rows, 2)) for rows in (x, held))
        model = KernelRidge(alpha=RIDGE[place % len(RIDGE)], kernel="precomputed").fit(inner, y - y.mean(0))
        np.testing.assert_allclose(one.predict(held), model.predict(outer) + y.mean(0), atol=2e-3)


def test_one_regression_is_the_one_of_the_whole_path_and_columns_that_matter_are_scaled_up():
    x, held = features(120), features(40, 1)
    paths = kernel_paths(x, smooth(x), 2)
    alone = [kernel_paths(x, smooth(x), 2, only=k)[0] for k in range(len(paths))]
    np.testing.assert_allclose(np.stack([one.predict(held) for one in alone]), predict_paths(paths, held), atol=1e-5)
    for one in paths:
        assert one.scale[[0, 1, 3]].min() > one.scale[[2, 4]].max()


@pytest.mark.parametrize("k", [1, 5])
def test_the_layer_predicts_what_numpy_does(k):
    x = features(150)[:, :3]
    x[::7, 2] = np.nan
    codes = np.random.default_rng(2).integers(2, 5, (150, 1)).astype(np.int32)
    known = Task(Flat(numbers=fit_numbers(x, "standard"), levels=(5,), width=1), False, 0)
    vector = flat_vector(known.flat)
    inputs = {"numbers": x, "codes": codes}
    flat = np.asarray(vector.predict(inputs, verbose=0))
    y = np.nan_to_num(x[:, :1]) ** 2 + codes
    wide = np.concatenate([flat, np.zeros((len(flat), 1), np.float32)], axis=1)  # the mean of the wide category
    tables = (np.zeros((5, 1), np.float32),)
    found = MEMBERS["kernel"].chosen(known, Rows(wide, codes, y, np.arange(150)), k)
    whole = flat_vector(known.flat, tables)
    model = keras.Model(whole.input, found.head(whole.output))
    np.testing.assert_allclose(model.predict(inputs, verbose=0)[:, 0], found.predict(wide), rtol=1e-4, atol=1e-4)
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict(inputs, verbose=0), model.predict(inputs, verbose=0), atol=1e-6)


@pytest.fixture
def wavy(tmp_path):
    x = features(260)
    columns = {f"x{i}": x[:, i] for i in range(5)}
    pl.DataFrame({**columns, "y": (np.sin(3 * x[:, :1]) + smooth(x))[:, 0]}).write_csv(tmp_path / "wavy.csv")
    return tmp_path / "wavy.csv"


def test_a_model_that_holds_rows_says_so(wavy):
    fitted = task.fit(*prepared_with(wavy, data={"target": "y", "ignore": []}), CheckpointingTrainer())
    assert fitted.extra["weights"]["kernel"] > 0.05
    assert any("hold the training rows" in text for text in fitted.extra["warnings"])


@pytest.mark.slow
def test_a_file_that_holds_rows_says_so_and_agrees_with_keras(wavy, tmp_path):
    export = {"formats": ["tflite"], "variants": ["fp32", "fp16"]}
    run = applied_dl.train("tabular", out=tmp_path / "b", data={"source": str(wavy), "target": "y"}, export=export)
    assert run.manifest.facts["weights"]["kernel"] > 0.05
    assert any("hold the training rows" in text for text in run.manifest.warnings)
    assert all(one.max_rel_diff < 1e-3 for one in run.manifest.exports if one.variant == "fp32")


def test_a_file_without_rows_is_made_on_request(wavy):
    data = {"target": "y", "ignore": []}
    assert "kernel" in prepared_with(wavy, data=data)[0].model.members
    assert "kernel" not in prepared_with(wavy, data=data, model={"memory": 0})[0].model.members
    with pytest.raises(UsageError, match="stores no training rows"):
        prepared_with(wavy, data=data, model={"memory": 0, "name": "kernel"})
