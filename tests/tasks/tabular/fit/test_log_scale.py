"""Members on the logarithm of the target: the way there and back, the graph, and that it is chosen for products alone."""

import keras
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import applied_dl
from applied_dl.tasks.tabular.fit.log_scale import log_scale


@given(st.integers(0, 999), st.floats(1.1, 50))
def test_logarithms_and_back(seed, offset):
    random = np.random.default_rng(seed)
    y = np.exp(random.normal(size=(60, 2))) - offset
    scale = log_scale(y, np.full(2, offset))
    z = scale.of(y)
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-8)
    np.testing.assert_allclose(z.std(0), 1, atol=1e-8)
    np.testing.assert_allclose(scale.exponential(z), y, rtol=1e-6, atol=1e-6 * offset)


def test_predicted_logarithms_are_scaled_so_that_they_add_up():
    random = np.random.default_rng(0)
    y = np.exp(random.normal(size=(500, 1))) - 2
    scale = log_scale(y, np.array([2.0]))
    z = np.zeros((500, 1))  # the mean logarithm for every row
    assert scale.exponential(z).mean() < y.mean() - 0.3
    assert scale.adding_up(z, y).exponential(z).mean() == pytest.approx(y.mean())


def test_a_target_with_zeros_or_of_little_spread_has_no_logarithmic_scale():
    assert log_scale(np.array([[-1.0], [0.5], [1.0]]), np.array([1.0])) is None
    assert log_scale(np.array([[-1.0], [0.0], [1.0]]), np.array([30.0])) is None


def test_later_targets_below_the_training_range_are_taken_as_its_end():
    scale = log_scale(np.array([[-1.0], [0.5], [1.0]]), np.array([1.2]))
    assert scale.of(np.array([[-3.0]]))[0] == pytest.approx(scale.least)


def test_the_graph_is_the_same_and_is_restored():
    random = np.random.default_rng(1)
    y = np.exp(random.normal(size=(80, 2))) - 2
    scale = log_scale(y, np.array([2.0, 2.0])).adding_up(random.normal(size=(80, 2)), y)
    z = 3 * random.normal(size=(40, 1, 2)).astype(np.float32)
    entry = keras.Input((1, 2))
    model = keras.Model(entry, scale.layer("exponential")(entry))
    np.testing.assert_allclose(model.predict(z, verbose=0), scale.exponential(z), rtol=1e-4, atol=1e-5)
    again = keras.models.model_from_json(model.to_json())
    np.testing.assert_array_equal(again.predict(z, verbose=0), model.predict(z, verbose=0))


@pytest.mark.parametrize("product", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_product_of_effects_is_fitted_to_logarithms_and_a_sum_is_not(tmp_path, product, capsys):
    random = np.random.default_rng(2)
    carat, clarity, noise = random.uniform(0.3, 2, 400), random.choice(["a", "b", "c"], 400), random.normal(0, 0.05, 400)
    effect = 1.8 * np.log(carat) + np.array([{"a": 0.0, "b": 0.4, "c": 0.9}[one] for one in clarity])
    price = 3000 * np.exp(effect + noise) if product else 3000 * (5 + 2 * carat + noise)
    pl.DataFrame({"carat": carat, "clarity": clarity, "price": price}).write_csv(tmp_path / "stones.csv")
    run = applied_dl.train("tabular", out=tmp_path / "b", data={"source": str(tmp_path / "stones.csv"), "target": "price"},
                           model={"name": "kernel"}, export={"formats": ["tflite"], "variants": ["fp32", "fp16"]})  # fmt: skip
    assert ("fitted to logarithms" in capsys.readouterr().err) == product
    files = {one.variant: one for one in run.manifest.exports}
    assert files["fp32"].max_rel_diff <= 1e-4
    assert abs(files["fp16"].metric_drop) < 0.01
    predictor = applied_dl.load(tmp_path / "b")
    found = predictor.predict([{"carat": 1.0, "clarity": "b"}])[0]
    wanted = 3000 * np.exp(0.4) if product else 3000 * 7
    assert found["prediction"] == pytest.approx(wanted, rel=0.1)
    assert found["lower"] < found["prediction"] < found["upper"]
