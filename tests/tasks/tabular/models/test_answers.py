"""Predictions of a logarithm are means in the units of the target; their limits stay quantiles."""

import numpy as np
import polars as pl

from applied_dl.tasks.tabular import task
from applied_dl.tasks.tabular.models.answers import Interval, mean_shift
from applied_dl.training.trainer import CheckpointingTrainer
from tests.tasks.tabular.tables import prepared_with

RANDOM = np.random.default_rng(0)


def test_shifted_logarithms_add_up_to_the_targets():
    center, deviation = RANDOM.normal(size=20_000), 0.8
    y = center + RANDOM.normal(0, 0.5, 20_000)
    shift = mean_shift(y, center, deviation)
    np.testing.assert_allclose(np.exp(deviation * (center + shift)).sum(), np.exp(deviation * y).sum(), rtol=1e-9)
    np.testing.assert_allclose(shift, deviation * 0.5**2 / 2, rtol=0.1)  # of log-normal errors, half the variance of the logarithm
    assert mean_shift(1000 * y, 1000 * center, deviation) > 0  # sums beyond the range of a float64
    assert mean_shift(y, y, deviation) == 0


def test_only_the_prediction_is_shifted_and_stays_within_its_limits():
    raw, own = RANDOM.normal(size=(200, 1, 1)).astype(np.float32), {"mean": 2.0, "deviation": 0.7, "low": 0.0, "high": 4.0, "log": True}
    plain = {name: np.asarray(value) for name, value in Interval(**own)(raw).items()}
    for shift in (0.3, 5.0):
        found = {name: np.asarray(value) for name, value in Interval(**own, shift=shift)(raw).items()}
        np.testing.assert_allclose(found["lower"], plain["lower"])
        np.testing.assert_allclose(found["upper"], plain["upper"])
        expected = np.minimum(np.minimum(plain["prediction"] * np.exp(0.7 * shift), np.exp(4.0)), plain["upper"])
        np.testing.assert_allclose(found["prediction"], expected, rtol=1e-4)


def test_a_layer_without_a_shift_is_read_as_before():
    old = {key: value for key, value in Interval(log=True).get_config().items() if key != "shift"}
    assert Interval.from_config(old).shift == 0.0


def test_predictions_of_a_small_table_on_a_logarithmic_scale_add_up(tmp_path):
    x = RANDOM.normal(size=600)
    pl.DataFrame({"x": x, "price": np.exp(8 + x + RANDOM.normal(0, 1, 600))}).write_csv(tmp_path / "t.csv")
    sections = {"model": {"members": ["linear", "waves"]}, "preprocess": {"target": "log"}, "data": {"ignore": []}}
    resolved, prepared = prepared_with(tmp_path / "t.csv", **sections)
    serving = task.serving(resolved, task.fit(resolved, prepared, CheckpointingTrainer()), prepared)
    prediction = np.asarray(serving.scored(prepared.train.inputs)["prediction"])
    np.testing.assert_allclose(prediction.sum(), prepared.train.target.sum(), rtol=0.15)  # of medians, 60 %
